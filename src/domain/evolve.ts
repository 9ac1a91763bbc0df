import { defined } from './defined';
import type { DomainEvent } from './event';
import { LIMITS } from './limits';
import type { PathChange } from './path-change';
import type { PrincipalId } from './principal';
import { isConfirmationAwaited } from './stages';
import {
  type AssessedState,
  type CountedStatement,
  type ExecutionState,
  type GrantedState,
  NO_PROGRESS,
  type ReadState,
  type RequestState,
  type SubmittedState,
  type UngrantedRequest,
  type UngrantedState,
} from './state';
import type { Statement } from './statement';

/** The log of a request without statements. */
const NOTHING_SAID = {
  revision: 0,
  statements: [],
  decisions: [],
  seenStatementIds: [],
  refusals: [],
  refusalCount: 0,
  review: { phase: 'none' },
} as const;

/**
 * Folds one event into the state. Total: an event that cannot happen in the current phase leaves the state unchanged, and
 * nothing but a submission begins a request.
 */
export function evolve(state: RequestState, event: DomainEvent): RequestState;
export function evolve(state: RequestState | null, event: DomainEvent): RequestState | null;
export function evolve(state: RequestState | null, event: DomainEvent): RequestState | null {
  switch (state?.phase) {
    case undefined:
      return begun(event);
    case 'unread':
      return event.type === 'barred' ? { ...state, barred: true } : withAttempt(state, event);
    case 'submitted':
      return afterSubmission(state, event);
    case 'assessed':
      return onPath(state, event);
    case 'granted':
      return afterGrant(state, event);
    case 'ungranted':
      if (event.type !== 'barred') return withReview(state, event);
      return { ...state, barred: true, ...(event.held && { held: event.held }) };
  }
}

function begun(event: DomainEvent): RequestState | null {
  switch (event.type) {
    case 'submitted': {
      const { submission, digest } = event;
      return { ...NOTHING_SAID, ...NO_PROGRESS, phase: 'submitted', status: 'assessing', submission, digest };
    }
    case 'submission_rejected':
      return { ...NOTHING_SAID, phase: 'unread', status: 'refused', rejection: event.refusal, barred: false };
    default:
      return null;
  }
}

function afterSubmission(state: SubmittedState, event: DomainEvent): RequestState {
  switch (event.type) {
    case 'recognised':
      return { ...state, recognition: event.recognition };
    case 'assessed':
      return { ...state, phase: 'assessed', assessment: event.assessment };
    case 'cancelled':
    case 'withdrawn':
      return { ...withoutGrant(state), status: event.type, decisions: decidedBy(state, event.by) };
    default:
      return withStatement(state, event);
  }
}

function onPath(state: AssessedState, event: DomainEvent): RequestState {
  switch (event.type) {
    case 'denied':
    case 'cancelled':
    case 'withdrawn':
      return { ...withoutGrant(state), status: event.type, decisions: decidedBy(state, event.by) };
    case 'hard_stopped':
    case 'refused':
    case 'lapsed':
      return { ...withoutGrant(state), status: event.type };
    case 'permitted':
    case 'approved':
      // If a confirmation is awaited now, its deadlines start.
      return { ...state, status: 'approved', ...(isConfirmationAwaited(state) && waitingFrom(event.atMs)) };
    case 'confirmation_awaited':
      return { ...state, status: 'awaiting_approval', stageOpenedAtMs: event.atMs };
    case 'stage_opened':
      return { ...state, status: 'awaiting_approval', openStage: event.stage, ...waitingFrom(event.atMs) };
    case 'approval_counted': {
      const { by, stage, jti, expiresAtMs, durationMs } = event;
      const approval = { by, stage, jti, expiresAtMs, ...defined({ durationMs }) };
      return { ...state, approvals: [...state.approvals, approval] };
    }
    case 'approval_lapsed': {
      const approvals = state.approvals.filter((approval) => approval.jti !== event.jti);
      return { ...state, approvals };
    }
    case 'confirmed': {
      const { by, jti, expiresAtMs } = event;
      return { ...state, confirmation: { by, jti, expiresAtMs } };
    }
    case 'confirmation_lapsed': {
      const { confirmation: _lapsed, ...rest } = state;
      if (state.assessment.confirmation?.before !== 'approval') return rest;
      // Approvers are not asked again until it is confirmed. The deadlines of the confirmation start again.
      return { ...withoutOpenStage(rest), ...waitingFrom(event.atMs) };
    }
    case 'stage_completed':
      return withoutOpenStage(state);
    case 'reroute_proposed':
      return withChange(state, { kind: 'replacement', record: event.reroute, phase: 'proposed' });
    case 'switch_proposed':
      return withChange(state, { kind: 'switch', record: event.change, phase: 'proposed' });
    case 'rerouted': {
      const { reroute: record, endorsedBy, revision } = event;
      const progress = { phase: 'in_force', ...defined({ endorsedBy }) } as const;
      return { ...withChange(state, { kind: 'replacement', record, ...progress }), revision };
    }
    case 'path_switched': {
      const { change: record, endorsedBy, revision } = event;
      const progress = { phase: 'in_force', ...defined({ endorsedBy }) } as const;
      return { ...restartPath(withChange(state, { kind: 'switch', record, ...progress })), revision };
    }
    case 'reroute_unendorsed':
    case 'switch_unendorsed':
      return endChange(state, event.jti);
    case 'replacement_lapsed':
      return { ...endChange(state, event.jti), revision: event.revision };
    case 'switch_lapsed':
      return { ...restartPath(endChange(state, event.jti)), revision: event.revision };
    case 'reminded':
      return { ...state, reminded: true };
    case 'escalated':
      return { ...state, escalated: true };
    case 'provisioning_started':
      return { ...state, status: 'provisioning' };
    case 'provisioning_failed':
      return { ...withoutGrant(state), status: 'failed', failure: event.refusal };
    case 'granted': {
      const { lease, reviewDueAtMs, reviewers } = event;
      const review = reviewDueAtMs === undefined ? state.review : owed(state, reviewDueAtMs);
      return { ...state, phase: 'granted', status: 'active', lease, review, ...defined({ reviewers }) };
    }
    default:
      return withReview(state, event);
  }
}

function afterGrant(state: GrantedState, event: DomainEvent): RequestState {
  switch (event.type) {
    case 'ending_ordered': {
      const { end, by } = event;
      return { ...state, ending: end, ...(by !== undefined && { decisions: decidedBy(state, by) }) };
    }
    case 'access_ended': {
      const { end, endedAtMs, cause } = event;
      if (endedAtMs === undefined) return { ...state, status: end };
      return { ...state, status: end, ended: { end, atMs: endedAtMs, ...defined({ cause }) } };
    }
    case 'execution_reported':
      return { ...state, execution: executionAfter(state.execution, event) };
    case 'closed':
      return { ...state, status: 'closed' };
    default:
      return withReview(state, event);
  }
}

function withReview(state: AssessedState | GrantedState | UngrantedState, event: DomainEvent): RequestState {
  const { review } = state;
  switch (event.type) {
    case 'review_owed':
      return { ...state, review: owed(state, event.dueAtMs) };
    case 'review_overdue':
      return review.phase === 'due' ? { ...state, review: { ...review, phase: 'overdue' } } : state;
    case 'reviewed':
      return { ...state, review: { phase: 'done', by: event.by, verdict: event.verdict } };
    default:
      return withStatement(state, event);
  }
}

function withStatement(state: ReadState, event: DomainEvent): RequestState {
  if (event.type !== 'statement_accepted') return withAttempt(state, event);
  const { statement, envelope } = event.accepted;
  return {
    ...state,
    statements: [...state.statements, { envelope, receivedAtMs: event.atMs }],
    seenStatementIds: [...state.seenStatementIds, statement.jti],
    decisions:
      statement.verb === 'report' ? state.decisions : [...state.decisions, decisionOf(statement, event.atMs)],
  };
}

const decisionOf = (
  { verb, iss, stage, durationMs, reasonCode, ticket, comment, offer }: Statement,
  atMs: number,
): CountedStatement => ({
  verb,
  by: iss,
  atMs,
  ...defined({ stage, durationMs, reasonCode, ticket, comment, offer }),
});

/** The decisions, the last of which was this principal's: a gateway signs for those who told it to. */
const decidedBy = ({ decisions }: ReadState, by: PrincipalId): readonly CountedStatement[] =>
  decisions.map((one, index) => (index === decisions.length - 1 ? { ...one, by } : one));

function withAttempt(state: RequestState, event: DomainEvent): RequestState {
  if (event.type === 'statements_dropped')
    return { ...state, refusalCount: state.refusalCount + event.count };
  if (event.type !== 'statement_refused') return state;
  const refusalCount = state.refusalCount + 1;
  if (state.refusals.length >= LIMITS.keptRefusals) return { ...state, refusalCount };
  const { atMs, refusal, verb, by } = event;
  const kept = { atMs, refusal, ...defined({ verb, by }) };
  return { ...state, refusalCount, refusals: [...state.refusals, kept] };
}

/** Folds events from the beginning. */
export function fold(events: Iterable<DomainEvent>): RequestState | null {
  let state: RequestState | null = null;
  for (const event of events) state = evolve(state, event);
  return state;
}

/** Starts the deadlines of a stage at that moment, without a reminder or an escalation yet. */
const waitingFrom = (atMs: number) => ({ stageOpenedAtMs: atMs, reminded: false, escalated: false });

function withoutOpenStage(state: AssessedState): AssessedState {
  const { openStage: _closed, ...rest } = state;
  return rest;
}

function withoutGrant(state: SubmittedState | AssessedState): UngrantedRequest {
  const { openStage: _closed, status: _pending, ...rest } = state;
  return { ...rest, phase: 'ungranted', barred: false };
}

/** Returns the state of the review. A deadline can only become earlier. */
function owed({ review }: RequestState, dueAtMs: number): RequestState['review'] {
  if (review.phase === 'overdue') return review;
  return { phase: 'due', dueAtMs: review.phase === 'due' ? Math.min(review.dueAtMs, dueAtMs) : dueAtMs };
}

/** Adds a change, or replaces its own proposal. The latest change comes last. */
function withChange(state: AssessedState, change: PathChange): AssessedState {
  const others = state.pathChanges.filter(({ record }) => record.jti !== change.record.jti);
  return { ...state, pathChanges: [...others, change] };
}

function endChange(state: AssessedState, jti: string): AssessedState {
  const end = (change: PathChange): PathChange =>
    change.record.jti === jti ? { ...change, phase: 'over' } : change;
  return { ...state, pathChanges: state.pathChanges.map(end) };
}

/** Starts the path in force from the beginning. */
const restartPath = (state: AssessedState): AssessedState => ({ ...withoutOpenStage(state), approvals: [] });

function executionAfter(
  before: ExecutionState | undefined,
  { outcome, by, reporter, atMs }: Extract<DomainEvent, { type: 'execution_reported' }>,
): ExecutionState {
  const state = before ?? { refusedRedemptions: 0 };
  switch (outcome) {
    case 'redeemed':
      return { ...state, redeemedAtMs: atMs, redeemedBy: reporter ?? by };
    case 'redemption_refused':
      return { ...state, refusedRedemptions: state.refusedRedemptions + 1 };
    default:
      return { ...state, outcome };
  }
}
