import type { PrecedentView } from '../../contracts/progress';
import { nextDeadline } from '../../domain/clock';
import { defined } from '../../domain/defined';
import type { PrincipalId } from '../../domain/principal';
import { entitlementName } from '../../domain/request';
import { approvalsOf, awaited, stageNamed, stagesOf } from '../../domain/stages';
import type { AssessedState, RequestState } from '../../domain/state';
import type { Notice, NoticeKind, NoticeSubject, ReviewFacts } from '../notice';
import { mayAct, mayGovern, type People } from './able';

export interface Prompts {
  readonly notices: readonly Notice[];
  /** When the prompts may change even if nothing happens to the request. Infinity if never. */
  readonly changesAtMs: number;
}

/** A waiting request, and what is needed to prompt people about it. */
export interface WaitingRequest {
  /** Its state by its evidence, today's directory and today's policy. */
  readonly derived: RequestState;
  /** The state its workflow claims. It can only remove people from the list. */
  readonly reported: RequestState;
  readonly people: People;
  /** How long before a stage expires its people are warned. */
  readonly nearExpiryMs: number;
  readonly nowMs: number;
  /** What came before it, with whose it was where that is known. */
  readonly precedents: readonly PrecedentView[];
}

/** A request that waits for people by both accounts. */
interface Agreed extends WaitingRequest {
  readonly derived: AssessedState;
  readonly reported: AssessedState;
}

const isWaiting = (state: RequestState): state is AssessedState =>
  state.status === 'awaiting_approval' || state.status === 'approved';

/** Returns whom to prompt about a waiting request: those who can act now, and nobody else. */
export function promptsOf(waiting: WaitingRequest): Prompts {
  const { derived, reported, nowMs, precedents } = waiting;
  const never = { notices: [], changesAtMs: Number.POSITIVE_INFINITY };
  if (!isWaiting(derived) || !isWaiting(reported)) return never;
  if (derived.status !== reported.status || derived.openStage !== reported.openStage) return never;
  const agreed: Agreed = { ...waiting, derived, reported };
  const times = timesOf(agreed);
  const { request } = derived.submission;
  const subject: NoticeSubject = {
    digest: derived.digest,
    requester: request.requester,
    beneficiary: request.beneficiary,
    entitlement: entitlementName(request.entitlement),
    durationMs: request.durationMs,
    ...(request.notBeforeMs !== undefined && { notBeforeMs: request.notBeforeMs }),
    emergency: request.emergency,
    words: request.reason,
    review: reviewFactsOf(derived, precedents),
    ...(derived.openStage !== undefined && { stage: derived.openStage, ...quorumOf(derived) }),
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
  const deciders = decidersOf(agreed, verb).map((id) => notice(kind, id, times.openedAtMs, verb));
  return {
    notices: [...deciders, ...forGovernance(agreed, times, notice)],
    changesAtMs: Math.min(
      nextDeadline(derived)?.atMs ?? Number.POSITIVE_INFINITY,
      nowMs < times.closesAtMs ? times.closesAtMs : Number.POSITIVE_INFINITY,
    ),
  };
}

function reviewFactsOf(
  { submission: { request }, assessment }: AssessedState,
  precedents: readonly PrecedentView[],
): ReviewFacts {
  const { parameters, containment, rollback, ticket, onBehalfOf, emergencyCondition } = request;
  return {
    ...defined({ parameters, containment, rollback, ticket, emergencyCondition }),
    ...{ onBehalfOf, precedents, flags: assessment.flags ?? [] },
  };
}

/** What the open stage needs and has, by the derived state. */
function quorumOf(derived: AssessedState): Pick<NoticeSubject, 'quorum' | 'choice'> {
  const stage = stageNamed(derived, derived.openStage);
  if (stage === undefined) return {};
  const has = approvalsOf(derived, stage).length;
  const { channels } = stage;
  return {
    quorum: { needs: stage.quorum, has, missing: awaited(derived) },
    ...(channels && { choice: { channels, revision: derived.revision } }),
  };
}

/** Returns those whom both states await and whose statement would be accepted now. */
function decidersOf(
  { derived, reported, people, nowMs }: Agreed,
  verb: 'approve' | 'confirm',
): readonly PrincipalId[] {
  const there = awaited(reported);
  return [...new Set(awaited(derived))].filter(
    (id) => there.includes(id) && mayAct(derived, people.standingOf(id, nowMs), verb, nowMs),
  );
}

/** Prompts governors only if the request has stalled or a path change waits for a second governor. */
function forGovernance(
  { derived, reported, people, nowMs }: Agreed,
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
  const proposed = derived.pathChanges.filter(({ phase }) => phase === 'proposed');
  const endorse = proposed.flatMap(({ record: { jti } }) =>
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

/** Returns the times at which the core itself reminds, escalates and ends a stage. */
function timesOf({ derived, nearExpiryMs }: Agreed): Times {
  const openedAtMs = derived.stageOpenedAtMs;
  const stage = stageNamed(derived, derived.openStage) ?? stagesOf(derived)[0];
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
