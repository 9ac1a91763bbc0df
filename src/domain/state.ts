import type { Assessment, Stage } from './assessment';
import type { Digest } from './digest';
import type { Recognition, RerouteRecord } from './event';
import type { Lease, LeaseEnd } from './lease';
import type { PrincipalId } from './principal';
import type { Refusal } from './refusal';
import type { Submission } from './request';
import type { KeptStatement, Verb, Verdict } from './statement';

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
  readonly statements: readonly KeptStatement[];
  readonly seenStatementIds: readonly string[];
  readonly refusals: readonly KeptRefusal[];
  readonly refusalCount: number;
  readonly failure?: Refusal;
  readonly lease?: Lease;
  readonly ending?: LeaseEnd;
  readonly review: ReviewState;
  readonly barred: boolean;
}

/** The stage of the frozen path by that name. */
export function stageNamed(state: RequestState, name: string | undefined): Stage | undefined {
  return state.assessment?.path?.stages.find((stage) => stage.name === name);
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

/** Whose place among the original approvers someone decides in: their own, or that of the one they were put in for. */
export function seatOf(state: RequestState, stage: Stage, id: PrincipalId): PrincipalId {
  let seat = id;
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
  const { approvals, confirmation, reroutes } = state;
  const people = [
    ...approvals.map((approval) => approval.by),
    ...(confirmation === undefined ? [] : [confirmation.by]),
    ...reroutes.flatMap((one) => (one.endorsedBy === undefined ? [one.by] : [one.by, one.endorsedBy])),
  ];
  return [...new Set(people)];
}

export function isStageComplete(state: RequestState, stage: Stage): boolean {
  return approvalsOf(state, stage).length >= stage.quorum;
}

/** The first stage that still lacks approvals, in the order of the path. */
export function firstIncompleteStage(state: RequestState): Stage | undefined {
  return state.assessment?.path?.stages.find((stage) => !isStageComplete(state, stage));
}

export function isConfirmationAwaited(state: RequestState): boolean {
  return state.assessment?.confirmation !== undefined && state.confirmation === undefined;
}

export function endedUngranted(state: RequestState): boolean {
  return (UNGRANTED_ENDS as readonly Status[]).includes(state.status);
}

/** Nothing more will happen to this request. */
export function isOver(state: RequestState): boolean {
  return state.status === 'closed' || (endedUngranted(state) && state.barred);
}

/** Pending: asked for, not yet granted, not yet ended. */
export function isPending(state: RequestState): boolean {
  return ['submitted', 'assessing', 'awaiting_approval', 'approved', 'provisioning'].includes(state.status);
}

/** Who is awaited at this moment, for the people who look and for the lists they look at. */
export function awaited(state: RequestState): readonly PrincipalId[] {
  if (state.status === 'awaiting_approval' || state.status === 'approved') {
    const stage = stageNamed(state, state.openStage);
    if (stage === undefined) return state.assessment?.confirmation?.by ?? [];
    return effectiveApprovers(state, stage).filter((id) => !approvalInPlaceOf(state, stage, id));
  }
  if (state.review.phase === 'due' || state.review.phase === 'overdue') {
    return state.status === 'active' ? [] : (state.assessment?.reviewers ?? []);
  }
  return [];
}
