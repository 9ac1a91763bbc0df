import { advance } from './advance';
import type { Stage } from './assessment';
import type { DomainEvent } from './event';
import { isStartAwaited } from './lasting';
import { LIMITS } from './limits';
import { inOrder, lapsedEvent, unendorsedEvent } from './path-change';
import { awaited, isConfirmationAwaited, stageNamed, stagesOf } from './stages';
import type { AssessedState, RequestState } from './state';
import { Trail } from './trail';

/** An event that time alone will cause. Time reminds, escalates or ends; it never approves (OVR-11). */
export interface Deadline {
  readonly atMs: number;
  /** The text on the timer, for operators. */
  readonly summary: string;
  readonly event: DomainEvent;
}

/** Returns the next event that time will cause if nothing else happens before. */
export function nextDeadline(state: RequestState): Deadline | undefined {
  let next: Deadline | undefined;
  for (const deadline of deadlines(state))
    if (next === undefined || deadline.atMs < next.atMs) next = deadline;
  return next;
}

/** Adds every event whose time has come, in order of time. */
export function elapse(state: RequestState, atMs: number): Trail {
  const trail = new Trail(state);
  let due = nextDue(trail.state, atMs);
  while (due !== undefined) {
    trail.add({ ...due.event, atMs });
    advance(trail, atMs);
    due = nextDue(trail.state, atMs);
  }
  return trail;
}

/**
 * Returns the deadline that has passed first. A start that was missed, because no worker ran, comes after the end of a path change:
 * nothing begins on a path that is no longer in force.
 */
function nextDue(state: RequestState, atMs: number): Deadline | undefined {
  const next = nextDeadline(state);
  if (next === undefined || next.atMs > atMs) return undefined;
  if (next.event.type !== 'provisioning_started' || state.phase !== 'assessed') return next;
  for (const end of pathChangeEnds(state)) if (end.atMs <= atMs) return end;
  return next;
}

function* deadlines(state: RequestState): Generator<Deadline> {
  if (state.phase === 'assessed' && state.status !== 'assessing') yield* pendingDeadlines(state);
  if (state.status === 'active' && state.ending === undefined) {
    const atMs = state.lease.expiresAtMs;
    yield { atMs, summary: 'grant ends', event: { type: 'ending_ordered', atMs, end: 'expired' } };
  }
  if (state.review.phase === 'due') {
    const atMs = state.review.dueAtMs;
    yield { atMs, summary: 'review due', event: { type: 'review_overdue', atMs } };
  }
}

function* pendingDeadlines(state: AssessedState): Generator<Deadline> {
  yield* lapses(state);
  const pendingEndMs = state.submission.request.submittedAtMs + LIMITS.pendingLifeMs;
  if (state.status === 'provisioning') {
    yield failure(pendingEndMs, 'the request was not carried out in its time');
    return;
  }
  yield { atMs: pendingEndMs, summary: 'request expires', event: { type: 'lapsed', atMs: pendingEndMs } };
  if (state.status === 'awaiting_approval' || isConfirmationAwaited(state)) yield* stageDeadlines(state);
  else if (isStartAwaited(state)) yield* start(state);
}

function* start({ submission: { request } }: AssessedState): Generator<Deadline> {
  const atMs = request.notBeforeMs ?? 0;
  yield { atMs, summary: 'access begins', event: { type: 'provisioning_started', atMs } };
}

/** Nothing that rests on a statement outlives it; a replacement ends at its own time. */
function* lapses(state: AssessedState): Generator<Deadline> {
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
  if (!provisioning) yield* pathChangeEnds(state);
}

function* pathChangeEnds(state: AssessedState): Generator<Deadline> {
  for (const change of inOrder(state.pathChanges)) {
    const { kind, phase, record } = change;
    const atMs = record.untilMs;
    if (phase === 'proposed')
      yield { atMs, summary: SUMMARIES[kind].proposed, event: unendorsedEvent(change, atMs) };
    if (phase === 'in_force')
      yield { atMs, summary: SUMMARIES[kind].inForce, event: lapsedEvent(change, atMs, state.revision + 1) };
  }
}

const SUMMARIES = {
  replacement: { proposed: 'proposed reroute ends', inForce: 'replacement lapses' },
  switch: { proposed: 'proposed switch ends', inForce: 'switched path lapses' },
} as const;

function* stageDeadlines(state: AssessedState): Generator<Deadline> {
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

/** A confirmation has the same deadlines as the first stage of the path. */
function confirmationIn(state: AssessedState): Waiting {
  return stagesOf(state)[0] ?? CONFIRMATION;
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
