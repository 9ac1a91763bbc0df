import type { DenialReport, EarlierAsk, EarlierGrant, GrantEntry, Precedents } from '../domain/precedents';
import { NO_PRECEDENTS } from '../domain/precedents';
import type { Verdict } from '../domain/review';

/** Rows as the driver returns them. Bigints are text, or numbers inside JSON. */
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

export interface PrecedentRows {
  readonly asked_at_ms: string;
  readonly asks: readonly AskRow[];
  readonly denials: readonly DenialRow[];
  readonly grants: readonly GrantRow[];
}

export function precedentsOf(rows: PrecedentRows | undefined): Precedents {
  if (rows === undefined) return NO_PRECEDENTS;
  return {
    asks: rows.asks.map(askOf),
    denials: rows.denials.map(denialOf),
    grants: rows.grants.map(earlierGrantOf),
    askedAtMs: Number(rows.asked_at_ms),
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

/** `granted` is always false, because the query leaves out requests that got access. */
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

/** A review that was done is no longer owed, whenever it was due. */
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
