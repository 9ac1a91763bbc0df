import type { Assessment } from './assessment';
import type { DomainEvent } from './event';
import type { LeaseEnd } from './lease';
import type { RefusalCode } from './refusal';
import type { RequestState } from './state';
import type { Verb } from './statement';

/** How a request was decided, for who counts. */
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

/** By which way a request goes: policy alone, people, people under an emergency condition, or none. */
export const LANES = ['policy', 'approval', 'emergency', 'none'] as const;
export type Lane = (typeof LANES)[number];

/** Something that happened to a request, as a number can be made of it: no names, no ids, no text of anyone's. */
export type Fact =
  | { readonly type: 'assessed'; readonly outcome: Assessment['outcome'] | 'unreadable' }
  | {
      readonly type: 'decided';
      readonly decision: DecisionMade;
      readonly lane: Lane;
      readonly atMs: number;
    }
  | {
      readonly type: 'granted';
      readonly connector: string;
      readonly lane: Lane;
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
 * What has just happened, from the events that were added last.
 *
 * @param log every event of the request, those added last included
 * @param state what they fold to
 */
export function factsOf(
  added: readonly DomainEvent[],
  log: readonly DomainEvent[],
  state: RequestState,
): readonly Fact[] {
  return added.flatMap((event) => factsIn(event, log, state));
}

function factsIn(event: DomainEvent, log: readonly DomainEvent[], state: RequestState): readonly Fact[] {
  const connector = state.submission?.request.entitlement.connector ?? '';
  const decision = decisionIn(event);
  if (decision !== undefined) return [{ type: 'decided', decision, lane: laneOf(state), atMs: event.atMs }];
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
      const granted: Fact = {
        type: 'granted',
        connector,
        lane: laneOf(state),
        afterDecisionMs: event.atMs - decidedAtMs,
      };
      return event.reviewDueAtMs === undefined ? [granted] : [granted, { type: 'review', phase: 'due' }];
    }
    case 'access_ended': {
      const dueAtMs = event.end === 'expired' ? state.lease?.expiresAtMs : orderedAtMs(log);
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

function laneOf({ submission, assessment }: RequestState): Lane {
  if (assessment?.outcome === 'permit') return 'policy';
  if (assessment?.outcome !== 'approve') return 'none';
  return submission?.request.emergency === true ? 'emergency' : 'approval';
}
