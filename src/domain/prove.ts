import type { Assessment, TargetBinding } from './assessment';
import { derive } from './derive';
import { type Digest, tryDigestOf } from './digest';
import type { Directory, Policy } from './ports';
import type { PrincipalId } from './principal';
import { accepted, type Refusal, type Result } from './refusal';
import type { AccessRequest, Entitlement, Submission } from './request';
import { participantsIn, type RequestState, reviewersOf } from './state';
import type { KeptStatement } from './statement';

/** Everything that a grant rests on. It travels through untrusted hands, and is believed only as far as it proves. */
export interface Evidence {
  readonly submission: Submission;
  readonly assessment: Assessment;
  readonly statements: readonly KeptStatement[];
}

/** What a proof allows: one lease, for exactly this, no longer than this. */
export interface GrantTerms {
  readonly leaseId: string;
  /** A connector gives access or lets an exact action be executed, never the one for the other. */
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
  /** Counted from the moment of the proof, or from an emergency reroute where that was earlier. */
  readonly reviewDueAtMs?: number;
  readonly evidenceDigest: Digest;
  readonly policyDigest: Digest;
  readonly directoryDigest: Digest;
  readonly provedAtMs: number;
}

/** A private member makes this nominal: there is no way to have one but to be given it by `proveAuthorised`. */
class ProvenAuthorisation {
  readonly #proven = true;

  constructor(readonly terms: GrantTerms) {
    Object.freeze(this);
  }

  /** Holds only for a value that this module made, whatever its type claims. */
  static isProven(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #proven in value && value.#proven;
  }
}

/** The right to act once on a target, as proved at one moment. */
export type Authorisation = ProvenAuthorisation;

/** Whether a value is a proof at run time too, for connectors to ask before they act. */
export const isAuthorisation = (value: unknown): value is Authorisation =>
  ProvenAuthorisation.isProven(value);

/**
 * Derives from evidence alone whether its request is authorised at `nowMs`, by the directory and the policy of that
 * moment. The act on a target, the audit and the offline check all call this. Nothing that only the workflow, a signal
 * or an activity's input says is believed: signatures are verified again, policy is evaluated again, and the same
 * `decide` folds the statements again under the stricter of the recorded and today's assessment.
 *
 * @returns the authorisation, or the first refusal that stands in its way
 */
export async function proveAuthorised(
  evidence: Evidence,
  nowMs: number,
  directory: Directory,
  policy: Policy,
): Promise<Result<Authorisation>> {
  const { request } = evidence.submission;
  const evidenceDigest = tryDigestOf(evidence);
  if (!evidenceDigest.ok) return evidenceDigest;
  const derived = await derive(evidence, nowMs, directory, policy);
  if (!derived.ok) return derived;
  const { state, firstRefusal, today, assessment } = derived.value;
  const { binding } = assessment;
  if (state?.status !== 'provisioning' || state.digest === undefined || binding === undefined)
    return { ok: false, refusal: state?.failure ?? firstRefusal ?? notAuthorised(state) };
  // Whom the grant rests on, and what is owed for it, is for policy alone to say, not for the record.
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
      durationMs: request.durationMs,
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

function notAuthorised(state: RequestState | null): Refusal {
  return {
    code: 'NOT_AUTHORISED',
    detail: `the evidence leads to ${state?.status ?? 'nothing'}, not to a grant`,
  };
}
