import type { TargetBinding } from './assessment';
import { derive } from './derive';
import { type Digest, tryDigestOf } from './digest';
import type { Evidence } from './evidence';
import { isStartAwaited } from './lasting';
import type { KeyDirectory, Policy } from './ports';
import type { PrincipalId } from './principal';
import { accepted, type Refusal, type Result, refusedBy } from './refusal';
import type { AccessRequest, Entitlement } from './request';
import { approvedDurationMs, participantsIn, reviewersOf } from './stages';
import type { RequestState } from './state';

/** What a proof permits: one lease, for exactly this access, no longer than this. */
export interface GrantTerms {
  readonly leaseId: string;
  /** A connector grants access or an exact action, and never mixes them up. */
  readonly kind: AccessRequest['kind'];
  readonly requestDigest: Digest;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: Entitlement;
  readonly binding: TargetBinding;
  readonly durationMs: number;
  readonly emergency: boolean;
  readonly approvedBy: readonly PrincipalId[];
  /** Everyone in conflict with the request: if one of them ends, so does the grant. */
  readonly parties: readonly PrincipalId[];
  /** Everyone who took part in the decision; none of them may review it. */
  readonly participants: readonly PrincipalId[];
  readonly reviewers: readonly PrincipalId[];
  /** Counted from the moment of the proof, or from an earlier emergency reroute. */
  readonly reviewDueAtMs?: number;
  readonly evidenceDigest: Digest;
  readonly policyDigest: Digest;
  readonly directoryDigest: Digest;
  readonly provedAtMs: number;
}

/** A private member makes this type nominal: only `proveAuthorised` can create an instance. */
class ProvenAuthorisation {
  readonly #proven = true;

  constructor(readonly terms: GrantTerms) {
    Object.freeze(this);
  }

  /** Returns true only for a value that this module made, whatever its type claims. */
  static isProven(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #proven in value && value.#proven;
  }
}

/** The right to act once on a target, as proved at one moment. */
export type Authorisation = ProvenAuthorisation;

/** Checks at run time that a value is a proof. Connectors call this before they act. */
export const isAuthorisation = (value: unknown): value is Authorisation =>
  ProvenAuthorisation.isProven(value);

/**
 * Derives from evidence alone whether its request is authorised at `nowMs`, by the directory and the policy of that
 * moment. The act on a target, the audit and the offline check all call this. It trusts nothing that only the workflow, a signal
 * or an activity's input says: signatures are verified again, policy is evaluated again, and the same
 * `decide` folds the statements again under the stricter of the recorded and today's assessment.
 *
 * @returns the authorisation, or the first refusal
 */
export async function proveAuthorised(
  evidence: Evidence,
  nowMs: number,
  directory: KeyDirectory,
  policy: Policy,
): Promise<Result<Authorisation>> {
  const { request } = evidence.submission;
  const evidenceDigest = tryDigestOf(evidence);
  if (!evidenceDigest.ok) return evidenceDigest;
  const derived = await derive(evidence, nowMs, directory, policy);
  if (!derived.ok) return derived;
  const { state, firstRefusal, today, assessment } = derived.value;
  const { binding } = assessment;
  if (state?.status !== 'provisioning' || binding === undefined)
    return refusedBy(failureOf(state) ?? firstRefusal ?? tooEarly(state) ?? notAuthorised(state));
  // The parties and the owed review come from today's policy alone, not from the record.
  const reviewDueAtMs = dueFrom(today.reviewWithinMs, state, nowMs);
  return accepted(
    new ProvenAuthorisation({
      leaseId: request.id,
      kind: request.kind,
      requestDigest: state.digest,
      requester: request.requester,
      beneficiary: request.beneficiary,
      entitlement: request.entitlement,
      binding,
      durationMs: approvedDurationMs(state),
      emergency: request.emergency,
      approvedBy: state.approvals.map((approval) => approval.by),
      parties: [...new Set(today.parties.map((party) => party.id))],
      participants: participantsIn(state),
      reviewers: reviewersOf({ ...state, assessment: today }),
      ...(reviewDueAtMs !== undefined && { reviewDueAtMs }),
      evidenceDigest: evidenceDigest.value,
      policyDigest: policy.digest,
      directoryDigest: directory.digest,
      provedAtMs: nowMs,
    }),
  );
}

function dueFrom(withinMs: number | undefined, { review }: RequestState, nowMs: number): number | undefined {
  const owedAtMs = review.phase === 'due' || review.phase === 'overdue' ? review.dueAtMs : undefined;
  if (withinMs === undefined) return owedAtMs;
  return Math.min(nowMs + withinMs, owedAtMs ?? Number.POSITIVE_INFINITY);
}

const failureOf = (state: RequestState | null): Refusal | undefined =>
  state?.status === 'failed' ? state.failure : undefined;

/** Approved, and only the moment from which access was asked for has not come. */
function tooEarly(state: RequestState | null): Refusal | undefined {
  if (state === null || state.phase === 'unread' || !isStartAwaited(state)) return undefined;
  const { notBeforeMs = 0 } = state.submission.request;
  return { code: 'NOT_NOW', detail: `access begins at ${new Date(notBeforeMs).toISOString()}` };
}

function notAuthorised(state: RequestState | null): Refusal {
  return {
    code: 'NOT_AUTHORISED',
    detail: `the evidence leads to ${state?.status ?? 'nothing'}, not to a grant`,
  };
}
