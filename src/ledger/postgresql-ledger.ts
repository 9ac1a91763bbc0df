import { Database, type DatabaseOptions } from '../database/database';
import type { Assessment } from '../domain/assessment';
import type { Digest } from '../domain/digest';
import { LIMITS } from '../domain/limits';
import type {
  AskEnd,
  AskEntry,
  DenialReport,
  GrantEntry,
  Ledger,
  NeverGranted,
  OpenGrant,
  Precedents,
  RecordedGrant,
} from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { entitlementName } from '../domain/request';
import type { Verdict } from '../domain/review';
import { LATE_SIGNATURE_MS, type SignatureCount } from '../domain/signature-count';
import { LEDGER } from './migrations';
import { type GrantRow, grantOf, type PrecedentRows, precedentsOf } from './rows';

/**
 * Reads only what can bear on a request. Each kind has a limit of its own, so a flood of other requests cannot hide the denials
 * of the same one. No limit of a bundle exceeds these (check-bundle.ts), so a count that reaches one has passed the
 * bundle's limit. Time counts back from when this request was first submitted, and an earlier request is as recent as its end.
 */
const precedentsAfter = (own: string): string => `
  WITH ${own}
  asks AS (
    SELECT a.*, a.requester = $3 OR a.beneficiary = $4 AS theirs,
           a.end_how IS NOT NULL OR coalesce(a.outcome IN ('hard_stop', 'refuse'), false) AS is_over
      FROM countersign.ask a, own
     WHERE a.seq < own.seq AND (a.asked_at_ms >= own.since_ms OR a.ended_at_ms >= own.since_ms)
       AND (a.resource = $6 OR a.control = ANY ($11::text[])) AND a.parties && $5::text[]
       AND NOT EXISTS (SELECT FROM countersign.grant_record g WHERE g.digest = a.digest)),
  placed_asks AS (
    SELECT *, row_number() OVER (PARTITION BY same, is_over ORDER BY seq DESC) AS place
      FROM (SELECT *, theirs AND entitlement = $7 AND outcome IS DISTINCT FROM 'refuse' AS same FROM asks) a
     WHERE same OR is_over),
  placed_denials AS (
    SELECT d.*, row_number() OVER (
             PARTITION BY coalesce(control = ANY ($11::text[]), false) ORDER BY denied_at_ms DESC) AS place
      FROM countersign.denial d, own
     WHERE subject IN ($3, $4) AND denied_at_ms >= own.since_ms AND (resource = $6 OR control = ANY ($11::text[]))),
  placed_grants AS (
    SELECT *, row_number() OVER (
             PARTITION BY owed, theirs ORDER BY CASE WHEN owed THEN review_due_at_ms ELSE -granted_at_ms END) AS place
      FROM (SELECT g.*, review_due_at_ms IS NOT NULL AND reviewed_at_ms IS NULL AS owed,
                   $3 IN (requester, beneficiary) OR $4 IN (requester, beneficiary) AS theirs
              FROM countersign.grant_record g
             WHERE digest <> $1 AND (parties || participants) && $5::text[]) g, own
     WHERE owed OR (emergency AND granted_at_ms >= own.since_ms))
  SELECT
    (SELECT asked_at_ms FROM own) AS asked_at_ms,
    (SELECT coalesce(json_agg(row_to_json(a) ORDER BY seq DESC), '[]')
       FROM placed_asks a WHERE place <= ${LIMITS.precedentsOfAKind}) AS asks,
    (SELECT coalesce(json_agg(row_to_json(d) ORDER BY denied_at_ms DESC), '[]')
       FROM placed_denials d WHERE place <= ${LIMITS.precedentsOfAKind}) AS denials,
    (SELECT coalesce(json_agg(row_to_json(g) ORDER BY granted_at_ms DESC), '[]')
       FROM placed_grants g WHERE place <= ${LIMITS.precedentsOfAKind}) AS grants`;

/** Enters the request, and reads what came before it. */
const ASK = precedentsAfter(`known AS (SELECT seq, asked_at_ms FROM countersign.ask WHERE digest = $1),
  entered AS (
    INSERT INTO countersign.ask (digest, request_id, requester, beneficiary, parties, resource, entitlement, control, asked_at_ms)
    SELECT $1, $2, $3, $4, $5::text[], $6, $7, $8, $9::bigint WHERE NOT EXISTS (SELECT FROM known)
    -- If another transaction inserts the same row at the same time, this waits and returns that row.
    ON CONFLICT (digest) DO UPDATE SET digest = excluded.digest RETURNING seq, asked_at_ms),
  own AS (
    SELECT seq, asked_at_ms, asked_at_ms - $10::bigint AS since_ms
      FROM (SELECT * FROM known UNION ALL SELECT * FROM entered) either),`);

/** Reads what would have come before a request that is not entered. */
const LOOK_UP = precedentsAfter(
  'own AS (SELECT 9223372036854775807 AS seq, $9::bigint AS asked_at_ms, $9::bigint - $10::bigint AS since_ms, $2::text AS unused_request, $8::text AS unused_control),',
);

/** The ledger in a PostgreSQL database, in the schema `countersign`. */
export class PostgresqlLedger implements Ledger {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database(options, [LEDGER]);
  }

  ask(entry: AskEntry): Promise<Precedents> {
    return this.#precedents(ASK, entry);
  }

  /** Returns what came before an action that is decided at once and leaves no request: nothing is recorded. */
  lookUp(entry: AskEntry): Promise<Precedents> {
    return this.#precedents(LOOK_UP, entry);
  }

  /** Returns true if one of these requests is on record, and was not refused when it was assessed. */
  async isOnRecord(requests: readonly string[]): Promise<boolean> {
    const rows = await this.#database.query(
      "SELECT 1 FROM countersign.ask WHERE request_id = ANY ($1::text[]) AND outcome IS DISTINCT FROM 'refuse' LIMIT 1",
      [requests],
    );
    return rows.length > 0;
  }

  async #precedents(
    query: string,
    { request, digest, parties, control, guardedBy, withinMs, atMs }: AskEntry,
  ): Promise<Precedents> {
    const { entitlement } = request;
    const [rows] = await this.#database.query<PrecedentRows>(query, [
      digest,
      request.id,
      request.requester,
      request.beneficiary,
      parties,
      `${entitlement.connector}:${entitlement.resource}`,
      entitlementName(entitlement),
      control ?? null,
      atMs,
      withinMs,
      control === undefined ? guardedBy : [...guardedBy, control],
    ]);
    return precedentsOf(rows);
  }

  async assessed(digest: Digest, { outcome, path }: Assessment): Promise<void> {
    const approvers = Object.fromEntries((path?.stages ?? []).map((stage) => [stage.name, stage.eligible]));
    await this.#database.query(
      'UPDATE countersign.ask SET outcome = $2, approvers = $3 WHERE digest = $1 AND outcome IS NULL',
      [digest, outcome, JSON.stringify(approvers)],
    );
  }

  async ended(request: string, end: AskEnd, atMs: number, by?: PrincipalId): Promise<void> {
    await this.#database.query(
      `UPDATE countersign.ask SET end_how = $2, ended_at_ms = $3, end_by = $4
        WHERE request_id = $1 AND (end_how IS NULL OR (end_how = 'ended' AND $2 <> 'ended'))`,
      [request, end, atMs, by ?? null],
    );
  }

  async granted(entry: GrantEntry): Promise<void> {
    await this.#database.query(
      `INSERT INTO countersign.grant_record (digest, request_id, connector, emergency, requester, beneficiary, parties,
         participants, reviewers, granted_at_ms, expires_at_ms, review_due_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       ON CONFLICT (digest) DO UPDATE SET
         participants = ARRAY(SELECT DISTINCT unnest(countersign.grant_record.participants || excluded.participants)),
         expires_at_ms = greatest(countersign.grant_record.expires_at_ms, excluded.expires_at_ms),
         review_due_at_ms = least(countersign.grant_record.review_due_at_ms, excluded.review_due_at_ms)`,
      [
        entry.digest,
        entry.request,
        entry.connector,
        entry.emergency,
        entry.requester,
        entry.beneficiary,
        entry.parties,
        entry.participants,
        entry.reviewers,
        entry.grantedAtMs,
        entry.expiresAtMs,
        entry.reviewDueAtMs ?? null,
      ],
    );
  }

  async neverGranted(request: NeverGranted): Promise<void> {
    const [which, values] =
      'digest' in request
        ? ['digest = $1', [request.digest]]
        : ['request_id = $1 AND connector = $2', [request.request, request.connector]];
    await this.#database.query(
      `DELETE FROM countersign.grant_record WHERE ${which} AND reviewed_at_ms IS NULL`,
      values,
    );
  }

  async over(request: string, atMs: number): Promise<void> {
    await this.#database.query(
      'UPDATE countersign.grant_record SET over_at_ms = $2 WHERE request_id = $1 AND over_at_ms IS NULL',
      [request, atMs],
    );
  }

  async openGrants(atMs: number): Promise<readonly OpenGrant[]> {
    const rows = await this.#database.query<GrantRow>(
      'SELECT * FROM countersign.grant_record WHERE over_at_ms IS NULL AND expires_at_ms > $1 ORDER BY expires_at_ms',
      [atMs],
    );
    return rows.map((row) => grantOf(row));
  }

  async grantOf(digest: Digest): Promise<GrantEntry | undefined> {
    const [row] = await this.#database.query<GrantRow>(
      'SELECT * FROM countersign.grant_record WHERE digest = $1',
      [digest],
    );
    return row && grantOf(row);
  }

  /** Returns every grant on record under the id of a request: of itself, and of any other that had the same id. */
  async grantsOf(request: string): Promise<readonly RecordedGrant[]> {
    const rows = await this.#database.query<GrantRow & { readonly over_at_ms: string | null }>(
      'SELECT * FROM countersign.grant_record WHERE request_id = $1 ORDER BY granted_at_ms',
      [request],
    );
    return rows.map((row) => ({
      ...grantOf(row),
      ...(row.over_at_ms !== null && { overAtMs: Number(row.over_at_ms) }),
    }));
  }

  async reviewed(digest: Digest, by: PrincipalId, verdict: Verdict, atMs: number): Promise<void> {
    await this.#database.query(
      `UPDATE countersign.grant_record SET reviewed_by = $2, verdict = $3, reviewed_at_ms = $4
        WHERE digest = $1 AND reviewed_at_ms IS NULL`,
      [digest, by, verdict, atMs],
    );
  }

  async reportDenial(report: DenialReport): Promise<void> {
    await this.#database.query(
      `INSERT INTO countersign.denial (id, reported_by, subject, control, resource, reason_code, denied_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
      [
        report.id,
        report.reportedBy,
        report.subject,
        report.control ?? null,
        report.resource ?? null,
        report.reasonCode,
        report.deniedAtMs,
      ],
    );
  }

  async signed(
    { credential, count, signature }: SignatureCount,
    atMs: number,
    made?: 'long ago',
  ): Promise<boolean> {
    if (count === 0) {
      const counted = 'SELECT 1 FROM countersign.signature_count WHERE credential = $1 LIMIT 1';
      // An authenticator that counts never stops.
      return (await this.#database.query(counted, [credential])).length === 0;
    }
    await this.#database.query(
      `INSERT INTO countersign.signature_count (credential, count, signature, at_ms)
       SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
         SELECT FROM countersign.signature_count WHERE credential = $1 AND count > $2 AND at_ms < $5)
       ON CONFLICT DO NOTHING`,
      [credential, count, signature, atMs, made === 'long ago' ? -1 : atMs - LATE_SIGNATURE_MS],
    );
    // Read in a statement of its own, which sees what somebody else wrote at the same moment.
    const [row] = await this.#database.query<{ readonly signature: string }>(
      'SELECT signature FROM countersign.signature_count WHERE credential = $1 AND count = $2',
      [credential, count],
    );
    return row?.signature === signature;
  }

  async reviewsOwed(atMs: number): Promise<{ readonly due: number; readonly overdue: number }> {
    const [row] = await this.#database.query<{ readonly due: string; readonly overdue: string }>(
      `SELECT count(*) FILTER (WHERE review_due_at_ms > $1) AS due,
              count(*) FILTER (WHERE review_due_at_ms <= $1) AS overdue
         FROM countersign.grant_record WHERE review_due_at_ms IS NOT NULL AND reviewed_at_ms IS NULL`,
      [atMs],
    );
    return { due: Number(row?.due ?? 0), overdue: Number(row?.overdue ?? 0) };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
