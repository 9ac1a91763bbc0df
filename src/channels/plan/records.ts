import type { PrincipalId } from '../../domain/principal';
import type { DecidedHow, Notice, NoticeKind, NoticeSubject } from '../notice';
import { isActivePerson, type People } from './able';

/** How a request ended, from the ledger. */
export interface DecidedRecord {
  readonly request: string;
  readonly digest: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  readonly decided: DecidedHow;
  readonly atMs: number;
  readonly untilMs?: number;
  /** When the access was over, if it ended before that. */
  readonly overAtMs?: number;
}

/** A grant, from the ledger. The ledger recorded it when its proof held. */
export interface GrantRecord {
  readonly request: string;
  readonly digest: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  readonly emergency: boolean;
  readonly parties: readonly PrincipalId[];
  readonly participants: readonly PrincipalId[];
  readonly reviewers: readonly PrincipalId[];
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  readonly overAtMs?: number;
  readonly reviewDueAtMs?: number;
  readonly reviewed: boolean;
}

/** Notifies the requester of the decision. Access that has ended since is no news. */
export function outcomeOf(record: DecidedRecord, people: People, nowMs: number): readonly Notice[] {
  const { request, requester, decided, atMs, untilMs, overAtMs } = record;
  const endedAtMs = Math.min(untilMs ?? Number.POSITIVE_INFINITY, overAtMs ?? Number.POSITIVE_INFINITY);
  if (decided === 'granted' && endedAtMs <= nowMs) return [];
  if (people.standingOf(requester, nowMs)?.active !== true) return [];
  const subject = { ...subjectOf(record), decided, ...(untilMs !== undefined && { endsAtMs: untilMs }) };
  return [noticeOf('decided', request, requester, atMs, subject)];
}

/** Notifies requester and beneficiary of a grant that is about to end, if it lasts at least twice the notice period. */
export function endingOf(
  record: GrantRecord,
  people: People,
  nowMs: number,
  nearEndMs: number,
): readonly Notice[] {
  const { request, requester, beneficiary, grantedAtMs, expiresAtMs, overAtMs } = record;
  const isLong = expiresAtMs - grantedAtMs >= 2 * nearEndMs;
  if (overAtMs !== undefined || !isLong || nowMs < expiresAtMs - nearEndMs || nowMs >= expiresAtMs) return [];
  const subject = { ...subjectOf(record), endsAtMs: expiresAtMs };
  return [...new Set([requester, beneficiary])]
    .filter((id) => people.standingOf(id, nowMs)?.active === true)
    .map((id) => noticeOf('ending', request, id, expiresAtMs - nearEndMs, subject));
}

/** Notifies the reviewers of a review that a grant owes once it is over, and again when the review is overdue. */
export function reviewOf(record: GrantRecord, people: People, nowMs: number): readonly Notice[] {
  const { request, expiresAtMs, overAtMs, reviewDueAtMs, reviewed, emergency } = record;
  if (reviewed || reviewDueAtMs === undefined) return [];
  const isOverdue = nowMs >= reviewDueAtMs;
  if (!isOverdue && overAtMs === undefined && nowMs < expiresAtMs) return [];
  const kind: NoticeKind = isOverdue ? 'review-overdue' : 'review';
  const sinceMs = isOverdue ? reviewDueAtMs : Math.min(overAtMs ?? expiresAtMs, expiresAtMs);
  const subject = { ...subjectOf(record), emergency, endsAtMs: reviewDueAtMs, verb: 'review' as const };
  return [...new Set(record.reviewers)]
    .filter((id) => !record.parties.includes(id) && !record.participants.includes(id))
    .filter((id) => isActivePerson(people.standingOf(id, nowMs)))
    .map((id) => noticeOf(kind, request, id, sinceMs, subject));
}

const subjectOf = ({
  digest,
  requester,
  beneficiary,
  entitlement,
}: DecidedRecord | GrantRecord): NoticeSubject => ({ digest, requester, beneficiary, entitlement });

const noticeOf = (
  kind: NoticeKind,
  request: string,
  person: PrincipalId,
  sinceMs: number,
  subject: NoticeSubject,
): Notice => ({ key: `${request}:${kind}:${person}`, kind, person, request, sinceMs, subject });
