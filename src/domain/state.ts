import type { ApprovalPath, Assessment, Delegation, Stage } from './assessment';
import type { Digest } from './digest';
import type { Recognition, RerouteRecord, SwitchRecord } from './event';
import type { HeldLease, Lease, LeaseEnd, LeaseEnding } from './lease';
import type { PrincipalId } from './principal';
import type { Refusal } from './refusal';
import type { Submission } from './request';
import type { ExecutionOutcome, KeptStatement, Verb, Verdict } from './statement';

export const STATUSES = [
  'submitted',
  'assessing',
  'hard_stopped',
  'refused',
  'awaiting_approval',
  'approved',
  'provisioning',
  'active',
  'expired',
  'revoked',
  'closed',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
] as const;
export type Status = (typeof STATUSES)[number];

/** Asked for, not yet granted, not yet ended. */
export const PENDING_STATUSES = [
  'submitted',
  'assessing',
  'awaiting_approval',
  'approved',
  'provisioning',
] as const satisfies readonly Status[];

/** Whether a request that is said to stand so is still pending. */
export const isPendingStatus = (status: string): boolean =>
  (PENDING_STATUSES as readonly string[]).includes(status);

/** Pending, and waiting for nobody: it is the machine's turn, and soon over. */
export const isPassingStatus = (status: string): boolean =>
  isPendingStatus(status) && status !== 'awaiting_approval';

/** Ends in which no access was given. Each leaves a bar on the target, so that no later act can turn it round. */
export const UNGRANTED_ENDS = [
  'hard_stopped',
  'refused',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
  'failed',
] as const satisfies readonly Status[];

export interface CountedApproval {
  readonly by: PrincipalId;
  readonly stage: string;
  readonly jti: string;
  readonly expiresAtMs: number;
}

export interface CountedConfirmation {
  readonly by: PrincipalId;
  readonly jti: string;
  readonly expiresAtMs: number;
}

export interface RerouteInState extends RerouteRecord {
  readonly phase: 'proposed' | 'in_force' | 'over';
  readonly endorsedBy?: PrincipalId;
}

export interface SwitchInState extends SwitchRecord {
  readonly phase: 'proposed' | 'in_force' | 'over';
  readonly endorsedBy?: PrincipalId;
}

export interface KeptRefusal {
  readonly atMs: number;
  readonly refusal: Refusal;
  readonly verb?: Verb;
  readonly by?: string;
}

export type ReviewState =
  | { readonly phase: 'none' }
  | { readonly phase: 'due' | 'overdue'; readonly dueAtMs: number }
  | { readonly phase: 'done'; readonly by: PrincipalId; readonly verdict: Verdict };

/** What is known of an execution (AGE-5). Once it has ended its end stays, whatever is reported later. */
export interface ExecutionState {
  readonly redeemedAtMs?: number;
  readonly redeemedBy?: PrincipalId;
  readonly outcome?: Extract<ExecutionOutcome, 'succeeded' | 'failed' | 'unknown'>;
  readonly refusedRedemptions: number;
}

/** Everything that has happened to a request, folded. Absent (`null`) until something was submitted. */
export interface RequestState {
  readonly status: Status;
  /** Absent when what was submitted could not be read as a request. */
  readonly submission?: Submission;
  readonly digest?: Digest;
  readonly rejection?: Refusal;
  readonly recognition?: Recognition;
  readonly assessment?: Assessment;
  readonly revision: number;
  /** Name of the open stage; absent before the first opens and after the last is complete. */
  readonly openStage?: string;
  readonly stageOpenedAtMs: number;
  readonly reminded: boolean;
  readonly escalated: boolean;
  readonly approvals: readonly CountedApproval[];
  readonly confirmation?: CountedConfirmation;
  readonly reroutes: readonly RerouteInState[];
  /** Absent until a switch of the path is asked for. */
  readonly switches?: readonly SwitchInState[];
  readonly statements: readonly KeptStatement[];
  readonly seenStatementIds: readonly string[];
  readonly refusals: readonly KeptRefusal[];
  readonly refusalCount: number;
  readonly failure?: Refusal;
  readonly lease?: Lease;
  /** How its lease ended, where it had ended before the request had it ended. */
  readonly ended?: LeaseEnding;
  /** Access that there was although the request ended without a grant: its answer was lost, and then it was stopped. */
  readonly held?: HeldLease;
  readonly ending?: LeaseEnd;
  readonly execution?: ExecutionState;
  readonly review: ReviewState;
  /** Who can give the review of the grant, where that was said at the act. */
  readonly reviewers?: readonly PrincipalId[];
  readonly barred: boolean;
}

/** The path that the request goes by now: the one frozen at assessment, or the one it was switched to. */
export function currentPath(state: RequestState): ApprovalPath | undefined {
  return state.switches?.find((one) => one.phase === 'in_force')?.path ?? state.assessment?.path;
}

/** Every path that the request has gone by or could be made to, the original one first. */
export function pathsOf(state: RequestState): readonly ApprovalPath[] {
  const original = state.assessment?.path;
  const others = state.switches?.map((one) => one.path) ?? [];
  return original === undefined ? others : [original, ...others];
}

/** The stage of the path in force by that name. */
export function stageNamed(state: RequestState, name: string | undefined): Stage | undefined {
  return currentPath(state)?.stages.find((stage) => stage.name === name);
}

/** Who may decide a stage now: those frozen at assessment, with the replacements in force put in their place. */
export function effectiveApprovers(state: RequestState, stage: Stage): readonly PrincipalId[] {
  let approvers: readonly PrincipalId[] = stage.eligible;
  for (const reroute of state.reroutes) {
    if (reroute.phase !== 'in_force' || reroute.stage !== stage.name) continue;
    // A replacement of a replacement falls away with the one it rests on.
    approvers = approvers.map((id) => (id === reroute.replace ? reroute.with : id));
  }
  return approvers;
}

/** Those who may stand in for an approver of a stage while the directory says so. */
export function delegatesOf(stage: Stage, approver: PrincipalId): readonly PrincipalId[] {
  return (stage.delegations ?? []).filter(({ from }) => from === approver).map(({ to }) => to);
}

/** Whose place among the original approvers someone decides in: their own, or that of the one they stand in for. */
export function seatOf(state: RequestState, stage: Stage, id: PrincipalId): PrincipalId {
  const delegation = stage.delegations?.find(({ to }: Delegation) => to === id);
  let seat = delegation?.from ?? id;
  for (const reroute of state.reroutes.toReversed())
    if (reroute.stage === stage.name && reroute.with === seat) seat = reroute.replace;
  return seat;
}

/** The approval given in someone's place, by them or by whoever stood or stands in for them. */
export function approvalInPlaceOf(
  state: RequestState,
  stage: Stage,
  id: PrincipalId,
): CountedApproval | undefined {
  const seat = seatOf(state, stage, id);
  return approvalsOf(state, stage).find((approval) => seatOf(state, stage, approval.by) === seat);
}

export function approvalsOf(state: RequestState, stage: Stage): readonly CountedApproval[] {
  return state.approvals.filter((approval) => approval.stage === stage.name);
}

/** Everyone who has had a hand in the decision, and cannot judge it afterwards. */
export function participantsIn(state: RequestState): readonly PrincipalId[] {
  const { approvals, confirmation } = state;
  const people = [
    ...approvals.map((approval) => approval.by),
    ...(confirmation === undefined ? [] : [confirmation.by]),
    ...rescuersOf(state),
  ];
  return [...new Set(people)];
}

/** Everyone who has changed, or tried to change, the path of this request. */
export function rescuersOf({ reroutes, switches = [] }: RequestState): readonly PrincipalId[] {
  return [...reroutes, ...switches].flatMap(({ by, endorsedBy }) =>
    endorsedBy === undefined ? [by] : [by, endorsedBy],
  );
}

/** Who can discharge the review: as policy said at the act, or before it at first, and when an emergency reroute was made. */
export function reviewersOf({ assessment, reviewers, reroutes }: RequestState): readonly PrincipalId[] {
  const called = reroutes.flatMap((one) =>
    one.phase === 'proposed' ? [] : (one.emergency?.reviewers ?? []),
  );
  return [...new Set([...(reviewers ?? assessment?.reviewers ?? []), ...called])];
}

export const isReviewOwed = ({ review }: RequestState): boolean =>
  review.phase === 'due' || review.phase === 'overdue';

export function isStageComplete(state: RequestState, stage: Stage): boolean {
  return approvalsOf(state, stage).length >= stage.quorum;
}

/** The first stage that still lacks approvals, in the order of the path. */
export function firstIncompleteStage(state: RequestState): Stage | undefined {
  return currentPath(state)?.stages.find((stage) => !isStageComplete(state, stage));
}

export function isConfirmationAwaited(state: RequestState): boolean {
  return state.assessment?.confirmation !== undefined && state.confirmation === undefined;
}

export function endedUngranted(state: RequestState): boolean {
  return (UNGRANTED_ENDS as readonly Status[]).includes(state.status);
}

/** Nothing more will happen to this request. */
export function isOver(state: RequestState): boolean {
  return state.status === 'closed' || (endedUngranted(state) && state.barred && !isReviewOwed(state));
}

/** Pending: asked for, not yet granted, not yet ended. */
export function isPending(state: RequestState): boolean {
  return isPendingStatus(state.status);
}

/** Who is awaited at this moment, for the people who look and for the lists they look at. */
export function awaited(state: RequestState): readonly PrincipalId[] {
  if (state.status === 'awaiting_approval' || state.status === 'approved') {
    const stage = stageNamed(state, state.openStage);
    if (stage === undefined) return state.assessment?.confirmation?.by ?? [];
    return effectiveApprovers(state, stage)
      .filter((id) => !approvalInPlaceOf(state, stage, id))
      .flatMap((id) => [id, ...delegatesOf(stage, id)]);
  }
  if (isReviewOwed(state)) {
    return state.status === 'active' ? [] : reviewersOf(state);
  }
  return [];
}
