import type { Database } from '../../database/database';
import type { Finding, FindingStore, KeptFinding } from '../contract';
import { type FindingRow, findingOf } from '../finding-row';

/** Keeps findings about one connector beside its leases: one row for each, however often it is found again. */
export class BookFindings implements FindingStore {
  constructor(
    private readonly database: Database,
    private readonly connector: string,
    private readonly nowMs: () => number,
  ) {}

  async keep({ kind, leaseId = '', account, grant, lateMs, what = '' }: Finding): Promise<void> {
    await this.database.query(
      `INSERT INTO countersign.book_finding AS known
         (connector, kind, lease_id, account, grant_name, what, first_at_ms, last_at_ms, late_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)
       ON CONFLICT (connector, kind, lease_id, account, grant_name, what)
       DO UPDATE SET last_at_ms = $7, times = known.times + 1, late_ms = coalesce($8, known.late_ms)`,
      [this.connector, kind, leaseId, account, grant, what, this.nowMs(), lateMs ?? null],
    );
  }

  async read(leaseId?: string): Promise<readonly KeptFinding[]> {
    const rows = await this.database.query<FindingRow>(
      `SELECT f.* FROM countersign.book_finding f
        WHERE f.connector = $1
          AND ($2::text IS NULL OR f.lease_id = $2
               OR (f.kind = 'drift' AND EXISTS (
                    SELECT 1 FROM countersign.book_lease l
                     WHERE l.connector = f.connector AND l.lease_id = $2 AND l.account = f.account
                       AND l.grant_name = f.grant_name AND f.last_at_ms >= l.granted_at_ms)))
        ORDER BY f.last_at_ms DESC LIMIT 1000`,
      [this.connector, leaseId ?? null],
    );
    return rows.flatMap(findingOf);
  }
}
