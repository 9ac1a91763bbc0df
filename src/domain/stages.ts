import type { ApprovalPath, Delegation, Stage } from './assessment';
import type { RerouteRecord } from './event';
import { inOrder, replacementsAmong, switchesAmong } from './path-change';
import type { PrincipalId } from './principal';
import { assessmentOf, type CountedApproval, isReviewOwed, type ReadState, type RequestState } from './state';

/** Returns the path in force: the one frozen at assessment, or the one that the request was switched to. */
export function currentPath(state: ReadState): ApprovalPath | undefined {
  const switched = switchesAmong(state.pathChanges).find(({ phase }) => phase === 'in_force');
  return switched?.record.path ?? assessmentOf(state)?.path;
}

/** Returns the stages of the path in force; empty if there is none. */
export const stagesOf = (state: ReadState): readonly Stage[] => currentPath(state)?.stages ?? [];

/** Returns every path that was in force or was proposed, the original one first. */
export function pathsOf(state: ReadState): readonly ApprovalPath[] {
  const original = assessmentOf(state)?.path;
  const others = switchesAmong(state.pathChanges).map(({ record }) => record.path);
  return original === undefined ? others : [original, ...others];
}

/** Returns the stage of the path in force with that name. */
export function stageNamed(state: ReadState, name: string | undefined): Stage | undefined {
  return stagesOf(state).find((stage) => stage.name === name);
}

/** Returns who may decide a stage now: the approvers frozen at assessment, with the replacements in force. */
export function effectiveApprovers(state: ReadState, stage: Stage): readonly PrincipalId[] {
  let approvers: readonly PrincipalId[] = stage.eligible;
  for (const { replace, with: substitute } of replacementsInForce(state, stage)) {
    // A replacement of a replacement ends with the one that it replaces.
    approvers = approvers.map((id) => (id === replace ? substitute : id));
  }
  return approvers;
}

/** Returns the records of the replacements in force at a stage. */
export function replacementsInForce({ pathChanges }: ReadState, stage: Stage): readonly RerouteRecord[] {
  return replacementsAmong(pathChanges)
    .filter(({ phase, record }) => phase === 'in_force' && record.stage === stage.name)
    .map(({ record }) => record);
}

/** Returns the possible delegates of an approver of a stage; they count only while the directory says so. */
export function delegatesOf(stage: Stage, approver: PrincipalId): readonly PrincipalId[] {
  return (stage.delegations ?? []).filter(({ from }) => from === approver).map(({ to }) => to);
}

/** Returns the original approver whose place someone fills: their own, or that of the person they replace. */
function seatOf(state: ReadState, stage: Stage, id: PrincipalId): PrincipalId {
  const delegation = stage.delegations?.find(({ to }: Delegation) => to === id);
  let seat = delegation?.from ?? id;
  for (const { record } of replacementsAmong(state.pathChanges).toReversed())
    if (record.stage === stage.name && record.with === seat) seat = record.replace;
  return seat;
}

/** Returns true if a stage takes choices from a channel from which another does not take them. */
export const takesMoreChannels = (stage: Pick<Stage, 'channels'>, than: Pick<Stage, 'channels'>): boolean =>
  (stage.channels ?? []).some((channel) => than.channels?.includes(channel) !== true);

/** Returns the approval that was given in someone's place, by them, a replacement or a delegate. */
export function approvalInPlaceOf(
  state: ReadState,
  stage: Stage,
  id: PrincipalId,
): CountedApproval | undefined {
  const seat = seatOf(state, stage, id);
  return approvalsOf(state, stage).find((approval) => seatOf(state, stage, approval.by) === seat);
}

export function approvalsOf(state: ReadState, stage: Stage): readonly CountedApproval[] {
  return state.approvals.filter((approval) => approval.stage === stage.name);
}

/** Returns how long access may last: the shortest of what was asked and what each approval that counts is for. */
export const approvedDurationMs = (state: ReadState): number =>
  Math.min(
    state.submission.request.durationMs,
    ...state.approvals.flatMap(({ durationMs }) => (durationMs === undefined ? [] : [durationMs])),
  );

/** Returns everyone who took part in the decision, and so cannot review it. */
export function participantsIn(state: ReadState): readonly PrincipalId[] {
  const { approvals, confirmation } = state;
  const people = [
    ...approvals.map((approval) => approval.by),
    ...(confirmation === undefined ? [] : [confirmation.by]),
    ...rescuersOf(state),
  ];
  return [...new Set(people)];
}

/** Returns everyone who has changed, or tried to change, the path of this request. */
export function rescuersOf({ pathChanges }: ReadState): readonly PrincipalId[] {
  return inOrder(pathChanges).flatMap(({ record: { by }, endorsedBy }) =>
    endorsedBy === undefined ? [by] : [by, endorsedBy],
  );
}

/** Returns who can give the review: as policy said at the act, or else at the assessment, or at an emergency reroute. */
export function reviewersOf(state: ReadState): readonly PrincipalId[] {
  const atGrant = state.phase === 'granted' ? state.reviewers : undefined;
  const called = replacementsAmong(state.pathChanges).flatMap(({ phase, record }) =>
    phase === 'proposed' ? [] : (record.emergency?.reviewers ?? []),
  );
  return [...new Set([...(atGrant ?? assessmentOf(state)?.reviewers ?? []), ...called])];
}

export function isStageComplete(state: ReadState, stage: Stage): boolean {
  return approvalsOf(state, stage).length >= stage.quorum;
}

/** Returns the first stage that still lacks approvals, in the order of the path. */
export function firstIncompleteStage(state: ReadState): Stage | undefined {
  return stagesOf(state).find((stage) => !isStageComplete(state, stage));
}

export function isConfirmationAwaited(state: ReadState): boolean {
  return assessmentOf(state)?.confirmation !== undefined && state.confirmation === undefined;
}

/** Returns who is awaited now, for people and for the lists of requests that wait for them. */
export function awaited(state: RequestState): readonly PrincipalId[] {
  if (state.status === 'awaiting_approval' || state.status === 'approved') {
    const stage = stageNamed(state, state.openStage);
    if (stage === undefined)
      return isConfirmationAwaited(state) ? (state.assessment.confirmation?.by ?? []) : [];
    return effectiveApprovers(state, stage)
      .filter((id) => !approvalInPlaceOf(state, stage, id))
      .flatMap((id) => [id, ...delegatesOf(stage, id)]);
  }
  if (state.phase === 'unread' || state.status === 'active' || !isReviewOwed(state)) return [];
  return reviewersOf(state);
}
