import { type ApprovalPath, type Assessment, conflictsOf, type Stage } from '../assessment';
import { LIMITS } from '../limits';
import type { AccessRequest } from '../request';

/** The longest that a grant may last, whatever policy says. */
export function grantCeilingMs(request: AccessRequest): number {
  return request.emergency ? LIMITS.emergencyGrantMs : LIMITS.grantMs;
}

/** A grant ends by itself: its duration is a positive whole number within policy and ceiling (APB-6). */
function isBounded(request: AccessRequest, assessment: Assessment): boolean {
  const { durationMs } = request;
  const longestMs = Math.min(grantCeilingMs(request), assessment.maxDurationMs);
  return Number.isSafeInteger(durationMs) && durationMs > 0 && durationMs <= longestMs;
}

/** Access that is asked for later begins soon enough. An emergency does not wait. */
function hasSoundStart({ notBeforeMs, submittedAtMs, emergency }: AccessRequest): boolean {
  if (notBeforeMs === undefined) return true;
  return (
    Number.isSafeInteger(notBeforeMs) && !emergency && notBeforeMs <= submittedAtMs + LIMITS.startDelayMs
  );
}

/**
 * Returns true if an assessment may permit a request: the grant is bounded, there is something to grant, and the approval path
 * needs distinct people without a conflict at every stage. No policy file can switch this off.
 */
export function isSound(request: AccessRequest, assessment: Assessment): boolean {
  if (!isBounded(request, assessment) || assessment.binding === undefined) return false;
  if (!hasSoundStart(request)) return false;
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

/** Whether the stages have distinct names, enough people without a conflict, and delegates with no other part in the request. */
export function isSoundPath(path: ApprovalPath, assessment: Assessment): boolean {
  const names = new Set(path.stages.map((stage) => stage.name));
  return (
    path.stages.length >= 1 &&
    path.stages.length <= LIMITS.stages &&
    (path.approvalsCountForMs ?? LIMITS.statementLifeMs) <= LIMITS.approvalLifeMs &&
    names.size === path.stages.length &&
    path.stages.every((stage) => isSoundStage(stage, assessment)) &&
    path.stages.every((stage) => hasSoundDelegates(stage, path, assessment))
  );
}

/** Whether each delegate stands in for an approver of this stage and has no other part in the request. */
function hasSoundDelegates(stage: Stage, path: ApprovalPath, assessment: Assessment): boolean {
  const { delegations = [] } = stage;
  if (delegations.length > LIMITS.eligibleApprovers) return false;
  const here = new Set(stage.eligible);
  const elsewhere = new Set([
    ...path.stages.flatMap(({ eligible }) => eligible),
    ...path.stages.flatMap((one) => (one === stage ? [] : (one.delegations ?? []).map(({ to }) => to))),
  ]);
  return delegations.every(({ from, to }) => {
    const isApart =
      conflictsOf(assessment, to).length === 0 &&
      !assessment.reviewers.includes(to) &&
      assessment.confirmation?.by.includes(to) !== true;
    return here.has(from) && !elsewhere.has(to) && isApart;
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
