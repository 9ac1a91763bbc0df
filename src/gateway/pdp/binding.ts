import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { tryDigestOf } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { GatewayKeys } from '../keys';
import type { Evaluation, Subject } from './entities';
import { relevantContext } from './mapping';

/** How long a requestable denial may be answered with a request. */
const DENIAL_LIFE_MS = 10 * 60_000;
/** Clock difference that is tolerated at its end (profile, "Time and Clock Skew"). */
const SKEW_MS = 30_000;

/** What a denial, and later its approval, is bound to: the hash that the profile defines. */
export interface Bound {
  readonly binding_hash: string;
  /** Names of the context members that the hash covers. */
  readonly binding_context_members: readonly string[];
}

type Scope = Pick<Evaluation, 'subject' | 'resource' | 'action'> & {
  readonly context?: Readonly<Record<string, unknown>> | undefined;
};

/** Binds an evaluation, together with the context members that policy looks at. */
export function boundOf(scope: Scope): Bound {
  const members = Object.keys(relevantContext(scope.context));
  return { binding_hash: hashOf(scope, members), binding_context_members: members };
}

/**
 * Returns true if an evaluation is exactly what was bound. Hashing canonical JSON is the profile's structural comparison: members
 * by name, numbers by canonical form, an absent member different from null.
 */
export function isWithin(bound: Bound, scope: Scope): boolean {
  // A member that policy looks at now and that was absent then makes it another context.
  const isWider = Object.keys(relevantContext(scope.context)).some(
    (name) => !bound.binding_context_members.includes(name),
  );
  return !isWider && hashOf(scope, bound.binding_context_members) === bound.binding_hash;
}

/** `binding_hash` of the profile, section "Binding Token Integrity". */
export function hashOf({ subject, resource, action, context }: Scope, members: readonly string[]): string {
  const bound = Object.fromEntries(
    members.flatMap((name) => (context?.[name] === undefined ? [] : [[name, context[name]]])),
  );
  const digest = tryDigestOf({ subject: withoutActor(subject), resource, action, context: bound });
  // A value that is not JSON equals nothing, not even itself.
  return digest.ok ? digest.value.replace('sha-256:', '') : randomUUID();
}

/** Leaves out the actor, which a caller may state in another place (profile, "Delegation and On-Behalf-Of"). */
function withoutActor(subject: Subject): Subject {
  if (subject.properties?.['act'] === undefined) return subject;
  const { act: _actor, ...properties } = subject.properties;
  return { ...subject, properties };
}

export const boundSchema = z.object({
  binding_hash: z.string().length(43),
  binding_context_members: z.array(z.string()).max(16),
});

const bindingClaimsSchema = boundSchema.extend({
  jti: z.string().min(8).max(128),
  client: z.string(),
  evaluation_id: z.string(),
  denial_expires_at: z.string(),
  exp: z.number(),
});
export type BindingClaims = z.output<typeof bindingClaimsSchema>;

export interface Denial {
  readonly evaluationId: string;
  readonly expiresAt: string;
  readonly bindingToken: string;
}

/** Makes and checks binding tokens, by which a request shows that it answers a denial of this gateway. */
export class DenialBinding {
  constructor(
    private readonly keys: GatewayKeys,
    private readonly publicUrl: string,
    private readonly audience: string,
    private readonly nowMs: () => number,
  ) {}

  async make(evaluation: Evaluation, client: PrincipalId, evaluationId: string): Promise<Denial> {
    const nowSeconds = Math.floor(this.nowMs() / 1_000);
    const exp = nowSeconds + DENIAL_LIFE_MS / 1_000;
    const expiresAt = new Date(exp * 1_000).toISOString();
    const bindingToken = await this.keys.sign('binding', {
      iss: this.publicUrl,
      aud: this.audience,
      iat: nowSeconds,
      exp,
      jti: randomUUID(),
      client,
      evaluation_id: evaluationId,
      denial_expires_at: expiresAt,
      ...boundOf(evaluation),
    });
    return { evaluationId, expiresAt, bindingToken };
  }

  /** Returns the claims of a valid binding token, `expired` if it was valid until its time, and undefined otherwise. */
  async verify(token: string): Promise<BindingClaims | 'expired' | undefined> {
    const nowMs = this.nowMs();
    const claims = await this.keys.verify('binding', token, {
      issuer: this.publicUrl,
      audience: this.audience,
      nowMs: nowMs - SKEW_MS,
    });
    if (claims === 'expired' || claims === undefined) return claims;
    const parsed = bindingClaimsSchema.safeParse(claims);
    return parsed.success ? parsed.data : undefined;
  }
}
