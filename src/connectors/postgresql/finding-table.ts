import type { PoolClient } from 'pg';
import type { Database } from '../../database/database';
import { withMarks } from '../../domain/characters';
import type { Finding, FindingStore, KeptFinding } from '../contract';
import { type FindingRow, findingOf } from '../finding-row';

/** Keeps findings in the target's own database: one row for each, however often it is found again. */
export class FindingTable implements FindingStore {
  constructor(
    private readonly database: Database,
    private readonly nowMs: () => number,
  ) {}

  async keep(finding: Finding): Promise<void> {
    const { kind, leaseId = '', account, grant, lateMs } = finding;
    if (kind === 'left-behind') {
      await this.keepLeftBehind(finding);
      return;
    }
    await this.database.query(
      `INSERT INTO countersign.finding AS known (kind, lease_id, account, role, first_at_ms, last_at_ms, late_ms)
       VALUES ($1, $2, $3, $4, $5, $5, $6)
       ON CONFLICT (kind, lease_id, account, role)
       DO UPDATE SET last_at_ms = $5, times = known.times + 1, late_ms = coalesce($6, known.late_ms)`,
      [kind, leaseId, account, grant, this.nowMs(), lateMs ?? null],
    );
  }

  /** Keeps what a holder left behind. Returns true if it was not known before. */
  async keepLeftBehind({ leaseId = '', account, grant, what }: Finding): Promise<boolean> {
    const rows = await this.database.query<{ times: number }>(
      `INSERT INTO countersign.left_behind AS known (lease_id, what, account, role, first_at_ms, last_at_ms)
       VALUES ($1, $2, $3, $4, $5, $5)
       ON CONFLICT (lease_id, what) DO UPDATE SET last_at_ms = $5, times = known.times + 1 RETURNING times`,
      [leaseId, what ?? '', account, grant, this.nowMs()],
    );
    return rows[0]?.times === 1;
  }

  async read(leaseId?: string): Promise<readonly KeptFinding[]> {
    const rows = await this.database.query<FindingRow>(
      `SELECT f.kind, f.lease_id, f.account, f.role AS grant_name, f.first_at_ms, f.last_at_ms, f.late_ms, f.times, f.what
         FROM countersign.finding f
        WHERE $1::text IS NULL OR f.lease_id = $1
           OR (f.kind = 'drift' AND EXISTS (
                SELECT 1 FROM countersign.lease l
                 WHERE l.lease_id = $1 AND l.account = f.account AND l.role = f.role
                   AND f.last_at_ms >= l.granted_at_ms))
       UNION ALL
       SELECT 'left-behind', lease_id, account, role, first_at_ms, last_at_ms, NULL, times, what
         FROM countersign.left_behind WHERE $1::text IS NULL OR lease_id = $1
        ORDER BY last_at_ms DESC LIMIT 1000`,
      [leaseId ?? null],
    );
    return rows.flatMap(findingOf);
  }
}

/** How many memberships of others one finding names: three names of 63 bytes each, in a text of 1,000 characters. */
const MOST_NAMED = 3;

/** Records what others had given and what went with a lease, in the transaction that takes it away. */
export async function noteAlsoEnded(
  client: PoolClient,
  { leaseId, account, grant }: Pick<Finding, 'account' | 'grant'> & { readonly leaseId: string },
  ofOthers: readonly string[],
  atMs: number,
): Promise<void> {
  if (ofOthers.length === 0) return;
  const named = ofOthers.slice(0, MOST_NAMED).join('; ');
  const more = ofOthers.length > MOST_NAMED ? `; and ${ofOthers.length - MOST_NAMED} more` : '';
  await client.query(
    `INSERT INTO countersign.finding AS known (kind, lease_id, account, role, first_at_ms, last_at_ms, what)
     VALUES ('also-ended', $1, $2, $3, $4, $4, $5)
     ON CONFLICT (kind, lease_id, account, role) DO UPDATE SET last_at_ms = $4, times = known.times + 1, what = $5`,
    [leaseId, account, grant, atMs, withMarks(`${named}${more}`)],
  );
}
