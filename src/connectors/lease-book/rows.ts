import type { PoolClient } from 'pg';
import { z } from 'zod';
import type { EndCause, EndReason } from '../../domain/lease';
import type { CatalogGrant, LeaseRecord } from '../contract';
import type { Access, LeaseMark } from './target';

/** A row of the lease book as the driver returns it: bigints are text. */
export interface BookRow {
  readonly lease_id: string;
  readonly request_digest: string | null;
  readonly account: string | null;
  readonly grant_name: string | null;
  readonly catalog_grant: unknown;
  readonly emergency: boolean;
  readonly granted_at_ms: string | null;
  readonly expires_at_ms: string | null;
  readonly confirmed_at_ms: string | null;
  readonly ended_at_ms: string | null;
  readonly end_reason: EndReason | null;
  readonly end_cause: EndCause | null;
}

const catalogGrantSchema = z.record(z.string(), z.string());

/** Returns the access that a row stands for, or undefined for a bar, which stands for none. */
export function accessOf({ account, grant_name: grantName, catalog_grant }: BookRow): Access | undefined {
  const grant = catalogGrantSchema.safeParse(catalog_grant);
  return account !== null && grantName !== null && grant.success
    ? { account, grantName, grant: grant.data }
    : undefined;
}

export async function findLease(
  client: PoolClient,
  connector: string,
  leaseId: string,
): Promise<BookRow | undefined> {
  const { rows } = await client.query<BookRow>(
    'SELECT * FROM countersign.book_lease WHERE connector = $1 AND lease_id = $2 FOR UPDATE',
    [connector, leaseId],
  );
  return rows[0];
}

/** Lists the leases that one account has on one grant and that have not ended, intents among them. */
export async function liveLeases(
  client: PoolClient,
  connector: string,
  { account, grantName }: Access,
): Promise<readonly BookRow[]> {
  const { rows } = await client.query<BookRow>(
    `SELECT * FROM countersign.book_lease
      WHERE connector = $1 AND account = $2 AND grant_name = $3 AND ended_at_ms IS NULL`,
    [connector, account, grantName],
  );
  return rows;
}

/** @param isHeld whether the target says that the account holds the access now */
export function recordOf(row: BookRow, isHeld: boolean): LeaseRecord {
  const { ended_at_ms: endedAtMs, end_reason: reason, end_cause: cause } = row;
  return {
    id: row.lease_id,
    account: row.account ?? '',
    grant: row.grant_name ?? '',
    requestDigest: row.request_digest ?? '',
    emergency: row.emergency,
    grantedAtMs: Number(row.granted_at_ms ?? row.ended_at_ms),
    expiresAtMs: Number(row.expires_at_ms ?? row.ended_at_ms),
    ...(reason !== null && { ended: { atMs: Number(endedAtMs), reason, ...(cause && { cause }) } }),
    present: isHeld && endedAtMs === null,
  };
}

export const markOf = ({ lease_id: leaseId, expires_at_ms }: BookRow): LeaseMark => ({
  leaseId,
  expiresAtMs: Number(expires_at_ms),
});

export const grantOf = (row: BookRow): readonly CatalogGrant[] => {
  const access = accessOf(row);
  return access === undefined ? [] : [access.grant];
};

export const nameOfRow = ({ account, grant_name }: BookRow): string => JSON.stringify([account, grant_name]);
