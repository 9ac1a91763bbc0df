import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type CountersignClient, CountersignError } from '../../client';
import type { Digest } from '../../domain/digest';
import { fold } from '../../domain/evolve';
import type { Authority } from '../../domain/ports';
import type { GrantEntry, Ledger } from '../../domain/precedents';
import { proveAuthorised } from '../../domain/prove';
import type { RequestState } from '../../domain/state';
import { assess, type BundleSource, type LoadedBundle } from '../../policy';
import { BoundedMap } from '../../signing/seen';
import type { Caller } from '../auth/caller';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { boundSchema, isWithin } from '../pdp/binding';
import type { Denied, Reevaluate } from '../pdp/decide';
import { carrying } from './carrying';
import { evidenceOf, proveRequest } from './evidence';
import type { TaskItem } from './records';

/** The `approval` object of the profile, section "Completion Semantics". */
export interface Approval {
  readonly id: string;
  readonly approved_at: string;
  readonly approved_until: string;
  readonly state: string;
}

const presentedSchema = z.object({ id: z.string().max(256), state: z.string().max(16_384) });
const stateClaimsSchema = boundSchema.extend({
  approval_id: z.string(),
  request: z.string(),
  digest: z.string(),
  client: z.string(),
  proved_at_ms: z.number().int(),
  approved_until: z.string(),
});

export interface ApprovalsOptions {
  readonly client: CountersignClient;
  readonly keys: GatewayKeys;
  readonly publicUrl: string;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly authority: () => Promise<Authority>;
  /** Records grants. Without it, no approval is made. */
  readonly ledger?: Pick<Ledger, 'grantOf'> | undefined;
  readonly enforcementPoints: ReadonlySet<string>;
  readonly nowMs: () => number;
}

/** Makes approvals for proven requests, and judges approvals that callers present. */
export class Approvals {
  readonly #made = new BoundedMap<Approval>(10_000);

  constructor(private readonly options: ApprovalsOptions) {}

  /**
   * Returns the approval of a granted request. Returns undefined unless the evidence proves the request at this moment; a history's
   * own word is not enough.
   */
  async of({ request, scope, evaluation }: TaskItem): Promise<Approval | undefined> {
    const made = this.#made.get(request.id);
    if (made !== undefined) return made;
    const { client, keys, publicUrl, authority, nowMs } = this.options;
    const provedAtMs = nowMs();
    const proof = await proveRequest(client, request.id, provedAtMs, await authority());
    if (!proof.ok) return undefined;
    const { terms } = proof.value.authorisation;
    // Its time starts when the ledger recorded the grant. A forged workflow could restart the time at every gateway.
    const grant = await this.#grantOf(terms.requestDigest);
    const { lease } = await carrying(() => client.get(request.id));
    if (grant === undefined || lease === undefined) return undefined;
    const untilMs = Math.min(lease.expiresAtMs, grant.expiresAtMs, grant.grantedAtMs + terms.durationMs);
    const id = keys.identifier('apr_', request.id);
    const approvedUntil = new Date(untilMs).toISOString();
    const state = await keys.sign('approval', {
      iss: publicUrl,
      aud: publicUrl,
      iat: Math.floor(provedAtMs / 1_000),
      exp: Math.ceil(untilMs / 1_000),
      jti: randomUUID(),
      approval_id: id,
      request: request.id,
      digest: terms.requestDigest,
      client: request.requester,
      proved_at_ms: provedAtMs,
      approved_until: approvedUntil,
      ...(evaluation !== undefined && { evaluation_id: evaluation }),
      ...scope,
    });
    const approvedAt = new Date(Math.min(grant.grantedAtMs, provedAtMs)).toISOString();
    const approval = { id, approved_at: approvedAt, approved_until: approvedUntil, state };
    this.#made.set(request.id, approval);
    return approval;
  }

  async #grantOf(digest: Digest): Promise<GrantEntry | undefined> {
    try {
      return await this.options.ledger?.grantOf(digest);
    } catch {
      throw new HttpProblem(503, 'the record of grants cannot be reached now; try again', {
        headers: { 'Retry-After': '2' },
      });
    }
  }

  /** Judges an approval presented with an evaluation. Knowing an approval is not enough to use it. */
  readonly reevaluate: Reevaluate = async (caller, evaluation, presented) => {
    const { keys, publicUrl, nowMs } = this.options;
    const shown = presentedSchema.safeParse(presented);
    if (!shown.success) return UNVERIFIABLE;
    const verified = await keys.verify('approval', shown.data.state, {
      issuer: publicUrl,
      audience: publicUrl,
      nowMs: nowMs(),
    });
    if (verified === 'expired') return EXPIRED;
    const claims = stateClaimsSchema.safeParse(verified);
    if (!claims.success || claims.data.approval_id !== shown.data.id) return UNVERIFIABLE;
    if (!this.#mayPresent(caller, claims.data.client)) return UNVERIFIABLE;
    if (!isWithin(claims.data, evaluation)) return denied('out_of_scope', 'request');
    return this.#stillHolds(claims.data);
  };

  /** Only the requester, or an enforcement point that decides about it, may present an approval. */
  #mayPresent(caller: Caller, client: string): boolean {
    return caller.principal === client || this.options.enforcementPoints.has(caller.principal);
  }

  /** Checks that it was not revoked, and that today's directory and policy would still let it through (TTA-6). */
  async #stillHolds({
    request: requestId,
    digest,
    proved_at_ms: provedAtMs,
    approval_id: id,
    approved_until: approvedUntil,
  }: z.output<typeof stateClaimsSchema>): ReturnType<Reevaluate> {
    const { client, authority, bundles, nowMs } = this.options;
    if (nowMs() >= Date.parse(approvedUntil)) return EXPIRED;
    let events: Awaited<ReturnType<CountersignClient['events']>>;
    try {
      events = await client.events(requestId);
    } catch (error) {
      // It may have been revoked, so it does not count now.
      if (error instanceof CountersignError && error.code === 'NOT_FOUND') return UNVERIFIABLE;
      return denied('status_unavailable', 'retry');
    }
    const evidence = evidenceOf(events);
    if (evidence === undefined) return UNVERIFIABLE;
    const standing = standingOf(fold(events));
    if (standing !== undefined) return standing;
    // As of the moment at which this gateway proved it. Our own signature covers that time.
    const { directory, policy } = await authority();
    const proof = await proveAuthorised(evidence, provedAtMs, directory, policy);
    if (!proof.ok) return denied('policy_denied', 'none');
    if (proof.value.terms.requestDigest !== digest) return UNVERIFIABLE;
    const { context } = await bundles.current();
    const { outcome } = assess(context, evidence.submission.request, nowMs());
    if (outcome !== 'permit' && outcome !== 'approve') return denied('policy_denied', 'none');
    return { ok: true, id, approvedUntil };
  }
}

function standingOf(state: RequestState | null): Denied | undefined {
  if (state?.status === 'active') return state.ending === undefined ? undefined : EXPIRED;
  if (state?.status === 'approved' || state?.status === 'provisioning')
    return denied('grant_pending', 'retry');
  return EXPIRED;
}

const denied = (reason: string, nextAction: Denied['nextAction']): Denied => ({
  ok: false,
  reason,
  nextAction,
});
const UNVERIFIABLE = denied('approval_unverifiable', 'none');
const EXPIRED = denied('approval_expired', 'request');
