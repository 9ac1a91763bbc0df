import type { DomainEvent } from './event';
import { LIMITS } from './limits';
import {
  type ExecutionState,
  isConfirmationAwaited,
  type RequestState,
  type RerouteInState,
  type SwitchInState,
} from './state';

const UNSUBMITTED: RequestState = {
  status: 'submitted',
  revision: 0,
  stageOpenedAtMs: 0,
  reminded: false,
  escalated: false,
  approvals: [],
  reroutes: [],
  statements: [],
  seenStatementIds: [],
  refusals: [],
  refusalCount: 0,
  review: { phase: 'none' },
  barred: false,
};

/** Folds one event into the state. Total: every event is applicable to every state, for events only come from `decide`. */
export function evolve(before: RequestState | null, event: DomainEvent): RequestState {
  const state = before ?? UNSUBMITTED;
  switch (event.type) {
    case 'submitted':
      return { ...state, status: 'assessing', submission: event.submission, digest: event.digest };
    case 'submission_rejected':
      return { ...state, status: 'refused', rejection: event.refusal };
    case 'recognised':
      return { ...state, recognition: event.recognition };
    case 'assessed':
      return { ...state, assessment: event.assessment };
    case 'hard_stopped':
      return { ...state, status: 'hard_stopped' };
    case 'refused':
      return { ...state, status: 'refused' };
    case 'permitted':
      return approvedAt(state, event.atMs);
    case 'confirmation_awaited':
      return { ...state, status: 'awaiting_approval', stageOpenedAtMs: event.atMs };
    case 'stage_opened':
      return {
        ...state,
        status: 'awaiting_approval',
        openStage: event.stage,
        stageOpenedAtMs: event.atMs,
        reminded: false,
        escalated: false,
      };
    case 'statement_accepted': {
      const { statement, envelope } = event.accepted;
      return {
        ...state,
        statements: [...state.statements, { envelope, receivedAtMs: event.atMs }],
        seenStatementIds: [...state.seenStatementIds, statement.jti],
      };
    }
    case 'statement_refused': {
      const refusalCount = state.refusalCount + 1;
      if (state.refusals.length >= LIMITS.keptRefusals) return { ...state, refusalCount };
      const { atMs, refusal, verb, by } = event;
      const kept = { atMs, refusal, ...(verb && { verb }), ...(by !== undefined && { by }) };
      return { ...state, refusalCount, refusals: [...state.refusals, kept] };
    }
    case 'statements_dropped':
      return { ...state, refusalCount: state.refusalCount + event.count };
    case 'approval_counted': {
      const { by, stage, jti } = event;
      const approval = { by, stage, jti, expiresAtMs: event.expiresAtMs };
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
      if (state.assessment?.confirmation?.before !== 'approval') return rest;
      // Nobody is asked to approve until it is confirmed again, and that is waited for as it was at first.
      const { openStage: _closed, ...waiting } = rest;
      return { ...waiting, stageOpenedAtMs: event.atMs, reminded: false, escalated: false };
    }
    case 'stage_completed': {
      const { openStage: _completed, ...rest } = state;
      return rest;
    }
    case 'approved':
      return approvedAt(state, event.atMs);
    case 'denied':
    case 'cancelled':
    case 'withdrawn':
    case 'lapsed':
      return endUngranted(state, event.type);
    case 'reroute_proposed':
      return { ...state, reroutes: [...state.reroutes, { ...event.reroute, phase: 'proposed' }] };
    case 'rerouted': {
      const others = state.reroutes.filter((one) => one.jti !== event.reroute.jti);
      const endorsed = event.endorsedBy === undefined ? {} : { endorsedBy: event.endorsedBy };
      const reroute: RerouteInState = { ...event.reroute, ...endorsed, phase: 'in_force' };
      return { ...state, revision: event.revision, reroutes: [...others, reroute] };
    }
    case 'reroute_unendorsed':
      return { ...state, reroutes: rerouteOver(state, event.jti) };
    case 'replacement_lapsed':
      return { ...state, revision: event.revision, reroutes: rerouteOver(state, event.jti) };
    case 'switch_proposed':
      return { ...state, switches: [...(state.switches ?? []), { ...event.change, phase: 'proposed' }] };
    case 'path_switched': {
      const { openStage: _left, ...rest } = state;
      const others = (state.switches ?? []).filter((one) => one.jti !== event.change.jti);
      const endorsed = event.endorsedBy === undefined ? {} : { endorsedBy: event.endorsedBy };
      const switches: SwitchInState[] = [...others, { ...event.change, ...endorsed, phase: 'in_force' }];
      return { ...rest, revision: event.revision, approvals: [], switches };
    }
    case 'switch_unendorsed':
      return { ...state, switches: switchOver(state, event.jti) };
    case 'switch_lapsed': {
      const { openStage: _left, ...rest } = state;
      return { ...rest, revision: event.revision, approvals: [], switches: switchOver(state, event.jti) };
    }
    case 'review_owed':
      return { ...state, review: owed(state, event.dueAtMs) };
    case 'reminded':
      return { ...state, reminded: true };
    case 'escalated':
      return { ...state, escalated: true };
    case 'provisioning_started':
      return { ...state, status: 'provisioning' };
    case 'provisioning_failed':
      return { ...endUngranted(state, 'failed'), failure: event.refusal };
    case 'granted': {
      const { lease, reviewDueAtMs, reviewers } = event;
      const review = reviewDueAtMs === undefined ? state.review : owed(state, reviewDueAtMs);
      return { ...state, status: 'active', lease, review, ...(reviewers && { reviewers }) };
    }
    case 'ending_ordered':
      return { ...state, ending: event.end };
    case 'access_ended': {
      const { end, endedAtMs, cause } = event;
      if (endedAtMs === undefined) return { ...state, status: end };
      return { ...state, status: end, ended: { end, atMs: endedAtMs, ...(cause && { cause }) } };
    }
    case 'barred':
      return { ...state, barred: true, ...(event.held && { held: event.held }) };
    case 'review_overdue': {
      const { review } = state;
      return review.phase === 'due' ? { ...state, review: { ...review, phase: 'overdue' } } : state;
    }
    case 'reviewed':
      return { ...state, review: { phase: 'done', by: event.by, verdict: event.verdict } };
    case 'execution_reported':
      return { ...state, execution: executionAfter(state.execution, event) };
    case 'closed':
      return { ...state, status: 'closed' };
  }
}

/** Folds events from the beginning. */
export function fold(events: Iterable<DomainEvent>): RequestState | null {
  let state: RequestState | null = null;
  for (const event of events) state = evolve(state, event);
  return state;
}

/** Where a confirmation is awaited now, the wait for it begins. */
function approvedAt(state: RequestState, atMs: number): RequestState {
  const waits = isConfirmationAwaited(state) && { stageOpenedAtMs: atMs, reminded: false, escalated: false };
  return { ...state, status: 'approved', ...waits };
}

function endUngranted(state: RequestState, status: RequestState['status']): RequestState {
  const { openStage: _closed, ...rest } = state;
  return { ...rest, status };
}

/** A review that is owed already is never put off. */
function owed({ review }: RequestState, dueAtMs: number): RequestState['review'] {
  if (review.phase === 'overdue') return review;
  return { phase: 'due', dueAtMs: review.phase === 'due' ? Math.min(review.dueAtMs, dueAtMs) : dueAtMs };
}

function switchOver(state: RequestState, jti: string): readonly SwitchInState[] {
  return (state.switches ?? []).map((one) => (one.jti === jti ? { ...one, phase: 'over' } : one));
}

function rerouteOver(state: RequestState, jti: string): readonly RerouteInState[] {
  return state.reroutes.map((one) => (one.jti === jti ? { ...one, phase: 'over' } : one));
}

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
