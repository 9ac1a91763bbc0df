import type { DenialReport, EarlierAsk, EarlierGrant, GrantEntry, Precedents } from '../domain/precedents';
import { NO_PRECEDENTS } from '../domain/precedents';
import type { Verdict } from '../domain/statement';

/** Rows as the driver hands them over; bigints are text, or numbers where they come as JSON. */
interface AskRow {
  readonly request_id: string;
  readonly requester: string;
  readonly beneficiary: string;
  readonly entitlement: string;
  readonly control: string | null;
  readonly asked_at_ms: string | number;
  readonly outcome: EarlierAsk['outcome'] | null;
  readonly approvers: EarlierAsk['approvers'];
  readonly end_how: EarlierAsk['end'] | null;
  readonly end_by: string | null;
  readonly ended_at_ms: string | number | null;
}

interface DenialRow {
  readonly id: string;
  readonly reported_by: string;
  readonly subject: string;
  readonly control: string | null;
  readonly resource: string | null;
  readonly reason_code: string;
  readonly denied_at_ms: string | number;
}

export interface GrantRow {
  readonly digest: string;
  readonly request_id: string;
  readonly connector: string;
  readonly emergency: boolean;
  readonly requester: string;
  readonly beneficiary: string;
  readonly parties: readonly string[];
  readonly participants: readonly string[];
  readonly reviewers: readonly string[];
  readonly granted_at_ms: string | number;
  readonly expires_at_ms: string | number;
  readonly review_due_at_ms: string | number | null;
  readonly verdict: Verdict | null;
  readonly reviewed_at_ms: string | number | null;
}

export interface FoundRows {
  readonly asked_at_ms: string;
  readonly asks: readonly AskRow[];
  readonly denials: readonly DenialRow[];
  readonly grants: readonly GrantRow[];
}

export function precedentsOf(found: FoundRows | undefined): Precedents {
  if (found === undefined) return NO_PRECEDENTS;
  return {
    asks: found.asks.map(askOf),
    denials: found.denials.map(denialOf),
    grants: found.grants.map(earlierGrantOf),
    askedAtMs: Number(found.asked_at_ms),
  };
}

export function grantOf(row: GrantRow): GrantEntry {
  return {
    digest: row.digest,
    request: row.request_id,
    connector: row.connector,
    emergency: row.emergency,
    requester: row.requester,
    beneficiary: row.beneficiary,
    parties: row.parties,
    participants: row.participants,
    reviewers: row.reviewers,
    grantedAtMs: Number(row.granted_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    ...(row.review_due_at_ms !== null && { reviewDueAtMs: Number(row.review_due_at_ms) }),
  };
}

/** Only what led to no access is read. */
const askOf = (row: AskRow): EarlierAsk => ({
  request: row.request_id,
  requester: row.requester,
  beneficiary: row.beneficiary,
  entitlement: row.entitlement,
  ...(row.control !== null && { control: row.control }),
  askedAtMs: Number(row.asked_at_ms),
  ...(row.outcome && { outcome: row.outcome }),
  approvers: row.approvers,
  ...(row.end_how && { end: row.end_how }),
  ...(row.end_by !== null && { endedBy: row.end_by }),
  ...(row.ended_at_ms !== null && { endedAtMs: Number(row.ended_at_ms) }),
  granted: false,
});

const denialOf = (row: DenialRow): DenialReport => ({
  id: row.id,
  reportedBy: row.reported_by,
  subject: row.subject,
  ...(row.control !== null && { control: row.control }),
  ...(row.resource !== null && { resource: row.resource }),
  reasonCode: row.reason_code,
  deniedAtMs: Number(row.denied_at_ms),
});

/** A debt that was paid is not owed any more, whenever it was due. */
const earlierGrantOf = (row: GrantRow): EarlierGrant => ({
  request: row.request_id,
  requester: row.requester,
  beneficiary: row.beneficiary,
  emergency: row.emergency,
  grantedAtMs: Number(row.granted_at_ms),
  ...(row.review_due_at_ms !== null &&
    row.reviewed_at_ms === null && { reviewDueAtMs: Number(row.review_due_at_ms) }),
  ...(row.verdict !== null && { verdict: row.verdict }),
});
