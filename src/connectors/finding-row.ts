import { FINDING_KINDS, type KeptFinding } from './contract';

/** A kept finding as a database returns it. */
export interface FindingRow {
  readonly kind: string;
  readonly lease_id: string;
  readonly account: string;
  readonly grant_name: string;
  readonly what: string;
  readonly first_at_ms: string;
  readonly last_at_ms: string;
  readonly late_ms: string | null;
  readonly times: number;
}

/** Returns nothing for a kind that only a newer version knows. */
export function findingOf(row: FindingRow): readonly KeptFinding[] {
  const kind = FINDING_KINDS.find((one) => one === row.kind);
  if (kind === undefined) return [];
  return [
    {
      kind,
      ...(row.lease_id !== '' && { leaseId: row.lease_id }),
      account: row.account,
      grant: row.grant_name,
      ...(row.late_ms !== null && { lateMs: Number(row.late_ms) }),
      ...(row.what !== '' && { what: row.what }),
      firstAtMs: Number(row.first_at_ms),
      lastAtMs: Number(row.last_at_ms),
      times: row.times,
    },
  ];
}
