import { FINDING_KINDS, type Finding, type FindingBook, type KeptFinding } from '../contract';
import type { Database } from './database';

interface FindingRow {
  readonly kind: string;
  readonly lease_id: string;
  readonly account: string;
  readonly role: string;
  readonly first_at_ms: string;
  readonly last_at_ms: string;
  readonly late_ms: string | null;
  readonly times: number;
}

/** Keeps findings in the target's own database. One row for each thing found, however often it is found again. */
export class FindingTable implements FindingBook {
  constructor(
    private readonly database: Database,
    private readonly prepare: () => Promise<void>,
    private readonly nowMs: () => number,
  ) {}

  async keep({ kind, leaseId = '', account, grant, lateMs }: Finding): Promise<void> {
    await this.prepare();
    await this.database.query(
      `INSERT INTO countersign.finding AS known (kind, lease_id, account, role, first_at_ms, last_at_ms, late_ms)
       VALUES ($1, $2, $3, $4, $5, $5, $6)
       ON CONFLICT (kind, lease_id, account, role)
       DO UPDATE SET last_at_ms = $5, times = known.times + 1, late_ms = coalesce($6, known.late_ms)`,
      [kind, leaseId, account, grant, this.nowMs(), lateMs ?? null],
    );
  }

  async read(leaseId?: string): Promise<readonly KeptFinding[]> {
    await this.prepare();
    const rows = await this.database.query<FindingRow>(
      `SELECT f.* FROM countersign.finding f
        WHERE $1::text IS NULL OR f.lease_id = $1
           OR (f.kind = 'drift' AND EXISTS (
                SELECT 1 FROM countersign.lease l
                 WHERE l.lease_id = $1 AND l.account = f.account AND l.role = f.role
                   AND f.last_at_ms >= l.granted_at_ms))
        ORDER BY f.last_at_ms DESC LIMIT 1000`,
      [leaseId ?? null],
    );
    return rows.flatMap(findingOf);
  }
}

/** A kind that a newer version has written is left to that version. */
function findingOf(row: FindingRow): readonly KeptFinding[] {
  const kind = FINDING_KINDS.find((one) => one === row.kind);
  if (kind === undefined) return [];
  return [
    {
      kind,
      ...(row.lease_id !== '' && { leaseId: row.lease_id }),
      account: row.account,
      grant: row.role,
      ...(row.late_ms !== null && { lateMs: Number(row.late_ms) }),
      firstAtMs: Number(row.first_at_ms),
      lastAtMs: Number(row.last_at_ms),
      times: row.times,
    },
  ];
}
