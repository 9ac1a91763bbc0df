import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { tryDigestOf } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { GatewayKeys } from '../keys';
import type { Evaluation, Subject } from './entities';
import { relevantContext } from './mapping';

/** How long a requestable denial can be answered with a request. */
const DENIAL_LIFE_MS = 10 * 60_000;
/** Difference of clocks that is forgiven at its end (profile, "Time and Clock Skew"). */
const SKEW_MS = 30_000;

/** What a denial, and later its approval, is bound to: the hash of it, by the construction that the profile fixes. */
export interface Bound {
  readonly binding_hash: string;
  /** Members of the context that the hash covers. */
  readonly binding_context_members: readonly string[];
}

type Scope = Pick<Evaluation, 'subject' | 'resource' | 'action'> & {
  readonly context?: Readonly<Record<string, unknown>> | undefined;
};

export function boundOf(scope: Scope): Bound {
  const members = Object.keys(relevantContext(scope.context));
  return { binding_hash: hashOf(scope, members), binding_context_members: members };
}

/**
 * Whether something is exactly what was bound. Canonical JSON makes the hash the structural comparison of the profile:
 * members by name, numbers by their canonical form, absent apart from null.
 */
export function isWithin(bound: Bound, scope: Scope): boolean {
  // What policy would look at now and did not look at then is another context.
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
  // What is no JSON equals nothing, not even itself.
  return digest.ok ? digest.value.replace('sha-256:', '') : randomUUID();
}

/** The actor is excluded: a caller may state it in another place (profile, "Delegation and On-Behalf-Of"). */
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

/** Makes and checks the binding by which a request shows that it answers a denial of ours. */
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

  /** The claims of a binding that holds; `expired` where it held until its time. */
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
