import { Database, type DatabaseOptions } from '../connectors/postgresql/database';
import type { Assessment } from '../domain/assessment';
import type { Digest } from '../domain/digest';
import type {
  AskEnd,
  AskEntry,
  DenialReport,
  GrantEntry,
  Ledger,
  NeverGranted,
  OpenGrant,
  Precedents,
} from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { entitlementName } from '../domain/request';
import type { Verdict } from '../domain/statement';
import { type FoundRows, type GrantRow, grantOf, precedentsOf } from './rows';
import { LEDGER_SCHEMA } from './schema';

/** More of one kind than this say nothing new: whoever has that many has passed every limit. */
const LOOK_BACK_AT = 200;

const ASK = `
  WITH entered AS (
    INSERT INTO countersign.ask (digest, request_id, requester, beneficiary, parties, resource, entitlement, control, asked_at_ms)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (digest) DO NOTHING RETURNING seq),
  own AS (
    SELECT seq FROM entered UNION ALL SELECT seq FROM countersign.ask WHERE digest = $1)
  SELECT
    (SELECT coalesce(json_agg(row_to_json(a)), '[]') FROM (
       SELECT a.*, EXISTS (SELECT 1 FROM countersign.grant_record g WHERE g.digest = a.digest) AS granted
         FROM countersign.ask a
        WHERE a.digest <> $1 AND a.seq < (SELECT min(seq) FROM own) AND a.asked_at_ms >= $10
          AND (a.resource = $6 OR a.control = ANY ($11)) AND a.parties && $5
        ORDER BY a.seq DESC LIMIT ${LOOK_BACK_AT}) a) AS asks,
    (SELECT coalesce(json_agg(row_to_json(d)), '[]') FROM (
       SELECT * FROM countersign.denial
        WHERE subject IN ($3, $4) AND denied_at_ms >= $10 AND (resource = $6 OR control = ANY ($11))
        ORDER BY denied_at_ms DESC LIMIT ${LOOK_BACK_AT}) d) AS denials,
    (SELECT coalesce(json_agg(row_to_json(g)), '[]') FROM (
       SELECT * FROM countersign.grant_record
        WHERE digest <> $1 AND (parties || participants) && $5
          AND ((emergency AND granted_at_ms >= $10) OR (review_due_at_ms IS NOT NULL AND reviewed_at_ms IS NULL))
        ORDER BY granted_at_ms DESC LIMIT ${LOOK_BACK_AT}) g) AS grants`;

/** The ledger in a PostgreSQL database, in the schema `countersign`. */
export class PostgresqlLedger implements Ledger {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database(options);
  }

  async ask({ request, digest, parties, control, guardedBy, sinceMs, atMs }: AskEntry): Promise<Precedents> {
    const { entitlement } = request;
    const [found] = await this.#query<FoundRows>(ASK, [
      digest,
      request.id,
      request.requester,
      request.beneficiary,
      parties,
      `${entitlement.connector}:${entitlement.resource}`,
      entitlementName(entitlement),
      control ?? null,
      atMs,
      sinceMs,
      control === undefined ? guardedBy : [...guardedBy, control],
    ]);
    return precedentsOf(found);
  }

  async assessed(digest: Digest, { outcome, path }: Assessment): Promise<void> {
    const approvers = Object.fromEntries((path?.stages ?? []).map((stage) => [stage.name, stage.eligible]));
    await this.#query(
      'UPDATE countersign.ask SET outcome = $2, approvers = $3 WHERE digest = $1 AND outcome IS NULL',
      [digest, outcome, JSON.stringify(approvers)],
    );
  }

  async ended(request: string, end: AskEnd, atMs: number, by?: PrincipalId): Promise<void> {
    await this.#query(
      `UPDATE countersign.ask SET end_how = $2, ended_at_ms = $3, end_by = $4
        WHERE request_id = $1 AND (end_how IS NULL OR (end_how = 'ended' AND $2 <> 'ended'))`,
      [request, end, atMs, by ?? null],
    );
  }

  async granted(entry: GrantEntry): Promise<void> {
    await this.#query(
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

  async neverGranted(given: NeverGranted): Promise<void> {
    const [which, values] =
      'digest' in given
        ? ['digest = $1', [given.digest]]
        : ['request_id = $1 AND connector = $2', [given.request, given.connector]];
    await this.#query(
      `DELETE FROM countersign.grant_record WHERE ${which} AND reviewed_at_ms IS NULL`,
      values,
    );
  }

  async over(request: string, atMs: number): Promise<void> {
    await this.#query(
      'UPDATE countersign.grant_record SET over_at_ms = $2 WHERE request_id = $1 AND over_at_ms IS NULL',
      [request, atMs],
    );
  }

  async openGrants(atMs: number): Promise<readonly OpenGrant[]> {
    const rows = await this.#query<GrantRow>(
      'SELECT * FROM countersign.grant_record WHERE over_at_ms IS NULL AND expires_at_ms > $1 ORDER BY expires_at_ms',
      [atMs],
    );
    return rows.map((row) => grantOf(row));
  }

  async grantOf(digest: Digest): Promise<GrantEntry | undefined> {
    const [row] = await this.#query<GrantRow>('SELECT * FROM countersign.grant_record WHERE digest = $1', [
      digest,
    ]);
    return row && grantOf(row);
  }

  async reviewed(digest: Digest, by: PrincipalId, verdict: Verdict, atMs: number): Promise<void> {
    await this.#query(
      `UPDATE countersign.grant_record SET reviewed_by = $2, verdict = $3, reviewed_at_ms = $4
        WHERE digest = $1 AND reviewed_at_ms IS NULL`,
      [digest, by, verdict, atMs],
    );
  }

  async reportDenial(report: DenialReport): Promise<void> {
    await this.#query(
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

  async reviewsOwed(atMs: number): Promise<{ readonly due: number; readonly overdue: number }> {
    const [row] = await this.#query<{ readonly due: string; readonly overdue: string }>(
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

  async #query<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    await this.#prepare();
    return this.#database.query<Row>(text, values);
  }

  #prepare(): Promise<void> {
    return this.#database.prepare(LEDGER_SCHEMA);
  }
}
