import type { PrincipalId } from '../../domain/principal';
import type { DecidedHow, Notice, NoticeKind, NoticeSubject } from '../notice';
import { isActivePerson, type People } from './able';

/** How something that was asked for ended, as the ledger has it. */
export interface DecidedRecord {
  readonly request: string;
  readonly digest: string;
  readonly requester: PrincipalId;
  readonly beneficiary: PrincipalId;
  readonly entitlement: string;
  readonly decided: DecidedHow;
  readonly atMs: number;
  readonly untilMs?: number;
}

/** A grant, as the ledger has it: it is entered there when the proof of it held. */
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

/** The requester hears what became of it; one who withdrew it knows. */
export function outcomeOf(record: DecidedRecord, people: People, nowMs: number): readonly Notice[] {
  const { request, requester, decided, atMs, untilMs } = record;
  if (people.standingOf(requester, nowMs)?.active !== true) return [];
  const subject = { ...subjectOf(record), decided, ...(untilMs !== undefined && { endsAtMs: untilMs }) };
  return [noticeOf('decided', request, requester, atMs, subject)];
}

/** Whoever holds a grant that is about to end, where it was long enough for that to be news. */
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

/** Those who can give the verdict that a grant still owes, once it is over; again when it is overdue. */
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
