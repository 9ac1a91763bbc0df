import { type ApprovalPath, type Assessment, conflictsOf, type Stage } from '../assessment';
import { LIMITS } from '../limits';
import type { AccessRequest } from '../request';

/** The longest that a request may last whatever policy says. */
export function grantCeilingMs(request: AccessRequest): number {
  return request.emergency ? LIMITS.emergencyGrantMs : LIMITS.grantMs;
}

/** A grant ends by itself: its duration is a positive whole number within policy and ceiling (APB-6). */
export function isBounded(request: AccessRequest, assessment: Assessment): boolean {
  const { durationMs } = request;
  const longestMs = Math.min(grantCeilingMs(request), assessment.maxDurationMs);
  return Number.isSafeInteger(durationMs) && durationMs > 0 && durationMs <= longestMs;
}

/**
 * An assessment that lets a request through is sound: the grant is bounded, there is something to grant, an approval
 * path demands distinct, unconflicted people at every stage. No policy file can switch this off.
 */
export function isSound(request: AccessRequest, assessment: Assessment): boolean {
  if (!isBounded(request, assessment) || assessment.binding === undefined) return false;
  const named = [request.requester, request.beneficiary, ...request.onBehalfOf];
  if (!named.every((id) => conflictsOf(assessment, id).length > 0)) return false;
  if (assessment.confirmation !== undefined && assessment.confirmation.by.length === 0) return false;
  if (request.emergency && (assessment.reviewWithinMs === undefined || assessment.reviewers.length === 0))
    return false;
  if (assessment.outcome === 'permit') return assessment.path === undefined;
  return (
    assessment.outcome === 'approve' &&
    assessment.path !== undefined &&
    isSoundPath(assessment.path, assessment)
  );
}

/** Stages of distinct names, each with enough unconflicted people, and delegates who have no other part in it. */
export function isSoundPath(path: ApprovalPath, assessment: Assessment): boolean {
  const names = new Set(path.stages.map((stage) => stage.name));
  return (
    path.stages.length >= 1 &&
    path.stages.length <= LIMITS.stages &&
    names.size === path.stages.length &&
    path.stages.every((stage) => isSoundStage(stage, assessment)) &&
    path.stages.every((stage) => hasSoundDelegates(stage, path, assessment))
  );
}

/** A delegate stands in for an approver of this stage, and sees the request in no other role. */
function hasSoundDelegates(stage: Stage, path: ApprovalPath, assessment: Assessment): boolean {
  const { delegations = [] } = stage;
  if (delegations.length > LIMITS.eligibleApprovers) return false;
  return delegations.every(({ from, to }) => {
    const elsewhere = path.stages.some(
      (one) =>
        one.eligible.includes(to) ||
        (one !== stage && one.delegations?.some((other) => other.to === to) === true),
    );
    const isApart =
      conflictsOf(assessment, to).length === 0 &&
      !assessment.reviewers.includes(to) &&
      assessment.confirmation?.by.includes(to) !== true;
    return stage.eligible.includes(from) && !elsewhere && isApart;
  });
}

function isSoundStage(stage: Stage, assessment: Assessment): boolean {
  const distinct = new Set(stage.eligible);
  return (
    Number.isInteger(stage.quorum) &&
    stage.quorum >= 1 &&
    stage.quorum <= LIMITS.quorum &&
    distinct.size === stage.eligible.length &&
    distinct.size >= stage.quorum &&
    distinct.size <= LIMITS.eligibleApprovers &&
    stage.expireAfterMs > 0 &&
    stage.expireAfterMs <= LIMITS.pendingLifeMs &&
    stage.eligible.every((id) => stage.departed?.includes(id) || conflictsOf(assessment, id).length === 0)
  );
}
