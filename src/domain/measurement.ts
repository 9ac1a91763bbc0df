import type { Assessment } from './assessment';
import type { DomainEvent } from './event';
import type { LeaseEnd } from './lease';
import type { RefusalCode } from './refusal';
import { assessmentOf, type RequestState, requestOf } from './state';
import type { Verb } from './statement';

/** How a request was decided, as the metrics count it. */
export const DECISIONS = [
  'permitted',
  'approved',
  'stopped',
  'denied',
  'cancelled',
  'withdrawn',
  'lapsed',
] as const;
export type DecisionMade = (typeof DECISIONS)[number];

/** Who decides a request: policy alone, people, people under an emergency condition, or nobody. */
export const DECISION_ROUTES = ['policy', 'approval', 'emergency', 'none'] as const;
export type DecisionRoute = (typeof DECISION_ROUTES)[number];

/** Something that happened to a request, as metrics count it. Holds no names, no ids and no text that anyone wrote. */
export type Measurement =
  | { readonly type: 'assessed'; readonly outcome: Assessment['outcome'] | 'unreadable' }
  | {
      readonly type: 'decided';
      readonly decision: DecisionMade;
      readonly route: DecisionRoute;
      readonly atMs: number;
    }
  | {
      readonly type: 'granted';
      readonly connector: string;
      readonly route: DecisionRoute;
      readonly afterDecisionMs: number;
    }
  | { readonly type: 'grant_refused'; readonly connector: string; readonly code: RefusalCode }
  | {
      readonly type: 'access_ended';
      readonly connector: string;
      readonly cause: LeaseEnd;
      readonly lateMs: number;
    }
  | { readonly type: 'statement'; readonly verb: Verb | 'unknown'; readonly refusal?: RefusalCode }
  | { readonly type: 'dropped'; readonly count: number }
  | { readonly type: 'prompted'; readonly how: 'opened' | 'reminded' | 'escalated' }
  | { readonly type: 'review'; readonly phase: 'due' | 'overdue' | 'done' };

/**
 * Returns the measurements that follow from the events added last.
 *
 * @param log every event of the request, those added last included
 * @param state what they fold to
 */
export function measurementsOf(
  added: readonly DomainEvent[],
  log: readonly DomainEvent[],
  state: RequestState,
): readonly Measurement[] {
  return added.flatMap((event) => measurementsIn(event, log, state));
}

function measurementsIn(
  event: DomainEvent,
  log: readonly DomainEvent[],
  state: RequestState,
): readonly Measurement[] {
  const connector = requestOf(state)?.entitlement.connector ?? '';
  const decision = decisionIn(event);
  if (decision !== undefined) return [{ type: 'decided', decision, route: routeOf(state), atMs: event.atMs }];
  switch (event.type) {
    case 'submission_rejected':
      return [{ type: 'assessed', outcome: 'unreadable' }];
    case 'assessed':
      return [{ type: 'assessed', outcome: event.assessment.outcome }];
    case 'statement_accepted':
      return [{ type: 'statement', verb: event.accepted.statement.verb }];
    case 'statement_refused':
      return [{ type: 'statement', verb: event.verb ?? 'unknown', refusal: event.refusal.code }];
    case 'statements_dropped':
      return [{ type: 'dropped', count: event.count }];
    case 'stage_opened':
      return [{ type: 'prompted', how: 'opened' }];
    case 'reminded':
    case 'escalated':
      return [{ type: 'prompted', how: event.type }];
    case 'provisioning_failed':
      return [{ type: 'grant_refused', connector, code: event.refusal.code }];
    case 'granted': {
      const decidedAtMs = log.findLast((one) => decisionIn(one) !== undefined)?.atMs ?? event.atMs;
      const granted: Measurement = {
        type: 'granted',
        connector,
        route: routeOf(state),
        afterDecisionMs: event.atMs - decidedAtMs,
      };
      return event.reviewDueAtMs === undefined ? [granted] : [granted, { type: 'review', phase: 'due' }];
    }
    case 'access_ended': {
      const isExpiry = event.end === 'expired' && state.phase === 'granted';
      const dueAtMs = isExpiry ? state.lease.expiresAtMs : orderedAtMs(log);
      const lateMs = Math.max(0, event.atMs - (dueAtMs ?? event.atMs));
      return [{ type: 'access_ended', connector, cause: event.end, lateMs }];
    }
    case 'review_owed':
      return [{ type: 'review', phase: 'due' }];
    case 'review_overdue':
      return [{ type: 'review', phase: 'overdue' }];
    case 'reviewed':
      return [{ type: 'review', phase: 'done' }];
    default:
      return [];
  }
}

function decisionIn({ type }: DomainEvent): DecisionMade | undefined {
  switch (type) {
    case 'permitted':
    case 'approved':
    case 'denied':
    case 'cancelled':
    case 'withdrawn':
    case 'lapsed':
      return type;
    case 'hard_stopped':
    case 'refused':
      return 'stopped';
    default:
      return undefined;
  }
}

const orderedAtMs = (log: readonly DomainEvent[]): number | undefined =>
  log.findLast((event) => event.type === 'ending_ordered')?.atMs;

function routeOf(state: RequestState): DecisionRoute {
  const outcome = assessmentOf(state)?.outcome;
  if (outcome === 'permit') return 'policy';
  if (outcome !== 'approve') return 'none';
  return requestOf(state)?.emergency === true ? 'emergency' : 'approval';
}
