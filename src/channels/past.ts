import { Database } from '../database/database';
import type { DecidedHow } from './notice';
import type { DecidedRecord, GrantRecord } from './plan/records';

/** Most rows a query returns. More could not be sent in time anyway. */
const ROWS = 500;

const GRANTS = `
  SELECT g.*, coalesce(a.entitlement, g.connector) AS entitlement
    FROM countersign.grant_record g LEFT JOIN countersign.ask a USING (digest)`;

/** Reads decided requests from the ledger, whose rows were written when their proofs held. */
export class PastRequests {
  readonly #database: Database;

  constructor(url: string) {
    this.#database = new Database({ url, maxConnections: 1 });
  }

  /** Returns decisions since `sinceMs` on requests that waited for people. Leaves out withdrawn ones: their requesters know. */
  async decided(sinceMs: number, request?: string): Promise<readonly DecidedRecord[]> {
    const rows = await this.#query<DecidedRow>(
      `SELECT a.request_id, a.digest, a.requester, a.beneficiary, a.entitlement, a.end_how, a.ended_at_ms,
              g.granted_at_ms, g.expires_at_ms, g.over_at_ms
         FROM countersign.ask a LEFT JOIN countersign.grant_record g USING (digest)
        WHERE a.outcome = 'approve' AND ($2::text IS NULL OR a.request_id = $2)
          AND (g.granted_at_ms >= $1 OR (g.digest IS NULL AND a.ended_at_ms >= $1 AND a.end_how <> 'withdrawn'))
        ORDER BY coalesce(g.granted_at_ms, a.ended_at_ms) DESC LIMIT ${ROWS}`,
      [sinceMs, request ?? null],
    );
    return rows.map((row) => ({
      request: row.request_id,
      digest: row.digest,
      requester: row.requester,
      beneficiary: row.beneficiary,
      entitlement: row.entitlement,
      decided: row.granted_at_ms === null ? howOf(row.end_how) : 'granted',
      atMs: Number(row.granted_at_ms ?? row.ended_at_ms),
      ...(row.expires_at_ms !== null && { untilMs: Number(row.expires_at_ms) }),
      ...(row.over_at_ms !== null && { overAtMs: Number(row.over_at_ms) }),
    }));
  }

  /** Returns grants that end within `nearEndMs`. */
  async ending(nowMs: number, nearEndMs: number, request?: string): Promise<readonly GrantRecord[]> {
    const rows = await this.#query<GrantRow>(
      `${GRANTS} WHERE g.over_at_ms IS NULL AND g.expires_at_ms > $1 AND g.expires_at_ms <= $2
          AND ($3::text IS NULL OR g.request_id = $3) ORDER BY g.expires_at_ms LIMIT ${ROWS}`,
      [nowMs, nowMs + nearEndMs, request ?? null],
    );
    return rows.map(grantOf);
  }

  /** Returns grants that owe a review and are over, or whose review is overdue. */
  async owing(nowMs: number, request?: string): Promise<readonly GrantRecord[]> {
    const rows = await this.#query<GrantRow>(
      `${GRANTS} WHERE g.review_due_at_ms IS NOT NULL AND g.reviewed_at_ms IS NULL
          AND (g.over_at_ms IS NOT NULL OR g.expires_at_ms <= $1 OR g.review_due_at_ms <= $1)
          AND ($2::text IS NULL OR g.request_id = $2) ORDER BY g.review_due_at_ms LIMIT ${ROWS}`,
      [nowMs, request ?? null],
    );
    return rows.map(grantOf);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Before its first request, the ledger has no tables. */
  async #query<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    const [made] = await this.#database.query<{ name: string | null }>(
      "SELECT to_regclass('countersign.grant_record') AS name",
    );
    return made?.name == null ? [] : this.#database.query<Row>(text, values);
  }
}

function howOf(end: string | null): DecidedHow {
  return end === 'denied' || end === 'cancelled' ? end : 'ended';
}

function grantOf(row: GrantRow): GrantRecord {
  return {
    request: row.request_id,
    digest: row.digest,
    requester: row.requester,
    beneficiary: row.beneficiary,
    entitlement: row.entitlement,
    emergency: row.emergency,
    parties: row.parties,
    participants: row.participants,
    reviewers: row.reviewers,
    grantedAtMs: Number(row.granted_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    ...(row.over_at_ms !== null && { overAtMs: Number(row.over_at_ms) }),
    ...(row.review_due_at_ms !== null && { reviewDueAtMs: Number(row.review_due_at_ms) }),
    reviewed: row.reviewed_at_ms !== null,
  };
}

interface DecidedRow {
  readonly request_id: string;
  readonly digest: string;
  readonly requester: string;
  readonly beneficiary: string;
  readonly entitlement: string;
  readonly end_how: string | null;
  readonly ended_at_ms: string | null;
  readonly granted_at_ms: string | null;
  readonly expires_at_ms: string | null;
  readonly over_at_ms: string | null;
}

interface GrantRow {
  readonly request_id: string;
  readonly digest: string;
  readonly requester: string;
  readonly beneficiary: string;
  readonly entitlement: string;
  readonly emergency: boolean;
  readonly parties: readonly string[];
  readonly participants: readonly string[];
  readonly reviewers: readonly string[];
  readonly granted_at_ms: string;
  readonly expires_at_ms: string;
  readonly over_at_ms: string | null;
  readonly review_due_at_ms: string | null;
  readonly reviewed_at_ms: string | null;
}
