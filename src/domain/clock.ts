import { advance } from './advance';
import type { Stage } from './assessment';
import type { DomainEvent } from './event';
import { LIMITS } from './limits';
import {
  awaited,
  currentPath,
  isConfirmationAwaited,
  isPending,
  type RequestState,
  stageNamed,
} from './state';
import { Trail } from './trail';

/** Something that time alone will bring about. Time reminds, escalates or ends; it never approves (OVR-11). */
export interface Deadline {
  readonly atMs: number;
  /** What an operator reads on the timer. */
  readonly summary: string;
  readonly event: DomainEvent;
}

/** The next thing that time will bring about, if nothing else happens before. */
export function nextDeadline(state: RequestState): Deadline | undefined {
  let next: Deadline | undefined;
  for (const deadline of deadlines(state))
    if (next === undefined || deadline.atMs < next.atMs) next = deadline;
  return next;
}

/** Brings about everything whose time has come, in the order of its time. */
export function elapse(state: RequestState, atMs: number): Trail {
  const trail = new Trail(state);
  let due = nextDeadline(trail.state);
  while (due !== undefined && due.atMs <= atMs) {
    trail.add({ ...due.event, atMs });
    advance(trail, atMs);
    due = nextDeadline(trail.state);
  }
  return trail;
}

function* deadlines(state: RequestState): Generator<Deadline> {
  if (isPending(state)) yield* pendingDeadlines(state);
  if (state.status === 'active' && state.ending === undefined && state.lease !== undefined) {
    const atMs = state.lease.expiresAtMs;
    yield { atMs, summary: 'grant ends', event: { type: 'ending_ordered', atMs, end: 'expired' } };
  }
  if (state.review.phase === 'due') {
    const atMs = state.review.dueAtMs;
    yield { atMs, summary: 'review due', event: { type: 'review_overdue', atMs } };
  }
}

function* pendingDeadlines(state: RequestState): Generator<Deadline> {
  const submission = state.submission;
  if (submission === undefined || state.status === 'assessing') return;
  yield* lapses(state);
  const pendingEndMs = submission.request.submittedAtMs + LIMITS.pendingLifeMs;
  if (state.status === 'provisioning') {
    yield failure(pendingEndMs, 'the request was not carried out in its time');
    return;
  }
  yield { atMs: pendingEndMs, summary: 'request expires', event: { type: 'lapsed', atMs: pendingEndMs } };
  if (state.status === 'awaiting_approval' || isConfirmationAwaited(state)) yield* stageDeadlines(state);
}

/** Nothing that rests on a statement outlives it; a replacement ends at its own time. */
function* lapses(state: RequestState): Generator<Deadline> {
  const provisioning = state.status === 'provisioning';
  for (const { by, stage, jti, expiresAtMs: atMs } of state.approvals) {
    if (provisioning) yield failure(atMs, `the approval of ${by} expired before access was given`);
    else yield { atMs, summary: 'approval lapses', event: { type: 'approval_lapsed', atMs, by, stage, jti } };
  }
  if (state.confirmation !== undefined) {
    const { by, jti, expiresAtMs: atMs } = state.confirmation;
    if (provisioning) yield failure(atMs, `the confirmation of ${by} expired before access was given`);
    else
      yield { atMs, summary: 'confirmation lapses', event: { type: 'confirmation_lapsed', atMs, by, jti } };
  }
  if (provisioning) return;
  for (const { jti, phase, untilMs: atMs } of state.reroutes) {
    if (phase === 'proposed')
      yield { atMs, summary: 'proposed reroute ends', event: { type: 'reroute_unendorsed', atMs, jti } };
    if (phase === 'in_force') {
      const event = { type: 'replacement_lapsed', atMs, jti, revision: state.revision + 1 } as const;
      yield { atMs, summary: 'replacement lapses', event };
    }
  }
  for (const { jti, phase, untilMs: atMs } of state.switches ?? []) {
    if (phase === 'proposed')
      yield { atMs, summary: 'proposed switch ends', event: { type: 'switch_unendorsed', atMs, jti } };
    if (phase === 'in_force') {
      const event = { type: 'switch_lapsed', atMs, jti, revision: state.revision + 1 } as const;
      yield { atMs, summary: 'switched path lapses', event };
    }
  }
}

function* stageDeadlines(state: RequestState): Generator<Deadline> {
  const awaitsConfirmation = state.openStage === undefined && isConfirmationAwaited(state);
  const stage = awaitsConfirmation ? confirmationIn(state) : stageNamed(state, state.openStage);
  if (stage === undefined) return;
  const opened = state.stageOpenedAtMs;
  const expires = opened + stage.expireAfterMs;
  yield { atMs: expires, summary: `${stage.name} expires`, event: { type: 'lapsed', atMs: expires } };
  const about = { stage: stage.name, awaiting: awaited(state) };
  if (!state.reminded) {
    const atMs = opened + stage.remindAfterMs;
    yield { atMs, summary: `remind ${stage.name}`, event: { type: 'reminded', atMs, ...about } };
  }
  if (!state.escalated) {
    const atMs = opened + stage.escalateAfterMs;
    yield { atMs, summary: `escalate ${stage.name}`, event: { type: 'escalated', atMs, ...about } };
  }
}

/** A confirmation is waited for as long as the first stage of the path is. */
function confirmationIn(state: RequestState): Waiting {
  return currentPath(state)?.stages[0] ?? CONFIRMATION;
}

type Waiting = Pick<Stage, 'name' | 'remindAfterMs' | 'escalateAfterMs' | 'expireAfterMs'>;

const CONFIRMATION: Waiting = {
  name: 'confirmation',
  remindAfterMs: LIMITS.confirmationRemindMs,
  escalateAfterMs: LIMITS.confirmationEscalateMs,
  expireAfterMs: LIMITS.confirmationExpireMs,
};

function failure(atMs: number, detail: string): Deadline {
  const refusal = { code: 'EXPIRED_STATEMENT', detail } as const;
  return { atMs, summary: 'provisioning gives up', event: { type: 'provisioning_failed', atMs, refusal } };
}
