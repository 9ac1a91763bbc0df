import { nextDeadline } from '../../domain/clock';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import { awaited, currentPath, type RequestState, stageNamed } from '../../domain/state';
import type { Notice, NoticeKind, NoticeSubject } from '../notice';
import { mayAct, mayGovern, type People } from './able';

export interface Turns {
  readonly notices: readonly Notice[];
  /** When the answer may be another one, though nothing happens to the request. */
  readonly changesAtMs: number;
}

/** A request as it is looked at. */
export interface Waiting {
  /** Where it stands by its evidence, today's directory and today's policy. */
  readonly derived: RequestState;
  /** Where its workflow says that it stands. It can only ever take someone off the list. */
  readonly reported: RequestState;
  readonly people: People;
  /** How long before a stage ends unanswered its people are told so. */
  readonly nearExpiryMs: number;
  readonly nowMs: number;
}

/** Whose turn it is at a waiting request, and what each of them is told: those who can act now, and nobody else. */
export function turnsOf(waiting: Waiting): Turns {
  const { derived, reported, nowMs } = waiting;
  const never = { notices: [], changesAtMs: Number.POSITIVE_INFINITY };
  const { submission, digest } = derived;
  if (submission === undefined || digest === undefined) return never;
  if (derived.status !== reported.status || derived.openStage !== reported.openStage) return never;
  if (derived.status !== 'awaiting_approval' && derived.status !== 'approved') return never;
  const times = timesOf(waiting);
  const { request } = submission;
  const subject: NoticeSubject = {
    digest,
    requester: request.requester,
    beneficiary: request.beneficiary,
    entitlement: entitlementName(request.entitlement),
    durationMs: request.durationMs,
    emergency: request.emergency,
    words: request.reason,
    ...(derived.openStage !== undefined && { stage: derived.openStage }),
    ...(times.escalatesAtMs > nowMs &&
      Number.isFinite(times.escalatesAtMs) && { escalatesAtMs: times.escalatesAtMs }),
    ...(Number.isFinite(times.endsAtMs) && { endsAtMs: times.endsAtMs }),
  };
  const place = `${request.id}:${derived.openStage ?? 'confirmation'}:${times.openedAtMs}`;
  const notice = (
    kind: NoticeKind,
    person: PrincipalId,
    sinceMs: number,
    verb: NonNullable<NoticeSubject['verb']>,
    endorses?: string,
  ): Notice => ({
    key: [place, ...(endorses === undefined ? [] : [endorses]), kind, person].join(':'),
    kind,
    person,
    request: request.id,
    sinceMs,
    subject: { ...subject, verb, ...(endorses !== undefined && { endorses }) },
  });
  const verb = derived.openStage === undefined ? 'confirm' : 'approve';
  const kind = nowMs >= times.closesAtMs ? 'closing' : derived.reminded ? 'reminder' : 'awaiting';
  const deciders = decidersOf(waiting, verb).map((id) => notice(kind, id, times.openedAtMs, verb));
  return {
    notices: [...deciders, ...forGovernance(waiting, times, notice)],
    changesAtMs: Math.min(
      nextDeadline(derived)?.atMs ?? Number.POSITIVE_INFINITY,
      nowMs < times.closesAtMs ? times.closesAtMs : Number.POSITIVE_INFINITY,
    ),
  };
}

/** Those who are awaited by both accounts, and whose word would be taken now. */
function decidersOf(
  { derived, reported, people, nowMs }: Waiting,
  verb: 'approve' | 'confirm',
): readonly PrincipalId[] {
  const there = awaited(reported);
  return [...new Set(awaited(derived))].filter(
    (id) => there.includes(id) && mayAct(derived, people.standingOf(id, nowMs), verb, nowMs),
  );
}

/** Governance hears of a request only where it has stalled, or where a change of its path waits for a second governor. */
function forGovernance(
  { derived, reported, people, nowMs }: Waiting,
  times: Times,
  notice: (
    kind: NoticeKind,
    person: PrincipalId,
    sinceMs: number,
    verb: 'reroute' | 'endorse',
    endorses?: string,
  ) => Notice,
): readonly Notice[] {
  const governors = people.ids.filter((id) => mayGovern(derived, people.standingOf(id, nowMs), nowMs));
  const stalled =
    derived.escalated && reported.escalated
      ? governors.map((id) => notice('stalled', id, times.escalatesAtMs, 'reroute'))
      : [];
  const proposed = [...derived.reroutes, ...(derived.switches ?? [])].filter(
    (one) => one.phase === 'proposed',
  );
  const endorse = proposed.flatMap(({ jti }) =>
    governors
      .filter((id) => mayAct(derived, people.standingOf(id, nowMs), 'endorse', nowMs, jti))
      .map((id) => notice('endorse', id, times.openedAtMs, 'endorse', jti)),
  );
  return [...stalled, ...endorse];
}

interface Times {
  readonly openedAtMs: number;
  readonly escalatesAtMs: number;
  readonly endsAtMs: number;
  readonly closesAtMs: number;
}

/** The times by which the core itself reminds, escalates and ends a stage. */
function timesOf({ derived, nearExpiryMs }: Waiting): Times {
  const openedAtMs = derived.stageOpenedAtMs;
  const stage = stageNamed(derived, derived.openStage) ?? currentPath(derived)?.stages[0];
  if (stage === undefined || derived.status !== 'awaiting_approval') {
    const never = Number.POSITIVE_INFINITY;
    return { openedAtMs, escalatesAtMs: never, endsAtMs: never, closesAtMs: never };
  }
  const endsAtMs = openedAtMs + stage.expireAfterMs;
  const beforeMs = Math.min(nearExpiryMs, Math.floor(stage.expireAfterMs / 4));
  return {
    openedAtMs,
    escalatesAtMs: openedAtMs + stage.escalateAfterMs,
    endsAtMs,
    closesAtMs: endsAtMs - beforeMs,
  };
}
