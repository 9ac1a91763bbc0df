import type { Assessment } from './assessment';
import type { Digest } from './digest';
import type { Recognition } from './event';
import type { HeldLease, Lease, LeaseEnd, LeaseEnding } from './lease';
import type { PathChange } from './path-change';
import type { PrincipalId } from './principal';
import type { Refusal } from './refusal';
import type { AccessRequest, Submission } from './request';
import type { Verdict } from './review';
import type { ExecutionOutcome, KeptStatement, Verb } from './statement';
import type { UNGRANTED_ENDS } from './status';

export interface CountedApproval {
  readonly by: PrincipalId;
  readonly stage: string;
  readonly jti: string;
  readonly expiresAtMs: number;
  /** Absent if it is for as long as was asked. */
  readonly durationMs?: number;
}

export interface CountedConfirmation {
  readonly by: PrincipalId;
  readonly jti: string;
  readonly expiresAtMs: number;
}

export interface KeptRefusal {
  readonly atMs: number;
  readonly refusal: Refusal;
  readonly verb?: Verb;
  readonly by?: string;
}

/** A statement that counted, in short: who said what, when and why (WEB-7). */
export interface CountedStatement {
  readonly verb: Verb;
  readonly by: PrincipalId;
  readonly atMs: number;
  readonly stage?: string;
  /** How long an approval is for, if that is less than was asked. */
  readonly durationMs?: number;
  readonly reasonCode?: string;
  readonly ticket?: string;
  readonly comment?: string;
  /** What who denied it would say yes to: the name of another entitlement. */
  readonly offer?: string;
}

export type ReviewState =
  | { readonly phase: 'none' }
  | { readonly phase: 'due' | 'overdue'; readonly dueAtMs: number }
  | { readonly phase: 'done'; readonly by: PrincipalId; readonly verdict: Verdict };

/** What is known of an execution (AGE-5). A recorded end is final; later reports do not change it. */
export interface ExecutionState {
  readonly redeemedAtMs?: number;
  readonly redeemedBy?: PrincipalId;
  readonly outcome?: Extract<ExecutionOutcome, 'succeeded' | 'failed' | 'unknown'>;
  readonly refusedRedemptions: number;
}

/** What every phase keeps. */
export interface StateLog {
  readonly revision: number;
  readonly statements: readonly KeptStatement[];
  /** What was said in these statements, oldest first, without reports about an execution. */
  readonly decisions: readonly CountedStatement[];
  readonly seenStatementIds: readonly string[];
  readonly refusals: readonly KeptRefusal[];
  readonly refusalCount: number;
  readonly review: ReviewState;
}

/** How far a request has come on its path. */
export interface Progress {
  /** Name of the open stage; absent before the first opens and after the last is complete. */
  readonly openStage?: string;
  readonly stageOpenedAtMs: number;
  readonly reminded: boolean;
  readonly escalated: boolean;
  readonly approvals: readonly CountedApproval[];
  readonly confirmation?: CountedConfirmation;
  readonly pathChanges: readonly PathChange[];
}

export const NO_PROGRESS: Progress = {
  stageOpenedAtMs: 0,
  reminded: false,
  escalated: false,
  approvals: [],
  pathChanges: [],
};

interface ReadRequest extends StateLog, Progress {
  readonly submission: Submission;
  readonly digest: Digest;
  /** Absent if the requester was not recognised. */
  readonly recognition?: Recognition;
}

interface AssessedRequest extends ReadRequest {
  readonly assessment: Assessment;
}

/** What was submitted could not be read as a request. */
export interface UnreadState extends StateLog {
  readonly phase: 'unread';
  readonly status: 'refused';
  readonly rejection: Refusal;
  readonly barred: boolean;
}

/** Submitted, and not yet assessed. */
export interface SubmittedState extends ReadRequest {
  readonly phase: 'submitted';
  readonly status: 'assessing';
}

/** Assessed, and on its way along the path. */
export interface AssessedState extends AssessedRequest {
  readonly phase: 'assessed';
  readonly status: 'assessing' | 'awaiting_approval' | 'approved' | 'provisioning';
}

/** Access was given, and may have ended since. */
export interface GrantedState extends AssessedRequest {
  readonly phase: 'granted';
  readonly status: LeaseEnd | 'active' | 'closed';
  readonly lease: Lease;
  /** Absent until the end of access is ordered. */
  readonly ending?: LeaseEnd;
  /** How the lease ended; absent unless it ended before the request ordered it. */
  readonly ended?: LeaseEnding;
  readonly execution?: ExecutionState;
  /** Who can give the review of the grant; absent if the act did not say. */
  readonly reviewers?: readonly PrincipalId[];
}

/** Ended without a grant. */
export type UngrantedState = UngrantedRequest &
  (
    | { readonly status: Exclude<(typeof UNGRANTED_ENDS)[number], 'failed'> }
    | { readonly status: 'failed'; readonly failure: Refusal }
  );

/** What every end without a grant keeps. */
export interface UngrantedRequest extends ReadRequest {
  readonly phase: 'ungranted';
  /** Absent if the request ended before it was assessed. */
  readonly assessment?: Assessment;
  /** Whether the target has recorded the end, so that no later act can give access. */
  readonly barred: boolean;
  /** Access that existed although the request ended without a grant: the target gave it, its answer was lost, a bar ended it. */
  readonly held?: HeldLease;
}

/** The state of a request that could be read. */
export type ReadState = SubmittedState | AssessedState | GrantedState | UngrantedState;

/** The state of a request, as a union by phase. `null` means that nothing was submitted yet. */
export type RequestState = UnreadState | ReadState;

/** Returns undefined if the request has not been assessed. */
export const assessmentOf = (state: RequestState): Assessment | undefined =>
  'assessment' in state ? state.assessment : undefined;

/** Returns undefined if what was submitted could not be read. */
export const requestOf = (state: RequestState): AccessRequest | undefined =>
  state.phase === 'unread' ? undefined : state.submission.request;

export const isReviewOwed = ({ review }: RequestState): boolean =>
  review.phase === 'due' || review.phase === 'overdue';

/** Whether the request ended without a grant. */
export const endedUngranted = (state: RequestState): state is UnreadState | UngrantedState =>
  state.phase === 'unread' || state.phase === 'ungranted';

/** Nothing more will happen to this request. */
export function isOver(state: RequestState): boolean {
  return state.status === 'closed' || (endedUngranted(state) && state.barred && !isReviewOwed(state));
}

/** Pending: asked for, not yet granted, not yet ended. */
export const isPending = (state: RequestState): state is SubmittedState | AssessedState =>
  state.phase === 'submitted' || state.phase === 'assessed';
