import type { PoolClient } from 'pg';
import type { EndCause } from '../../domain/lease';
import type { EndReason, LeaseRecord } from '../contract';
import { lock } from './row-lock';

/** A row of the lease table, as the driver hands it over: bigints are text. */
export interface LeaseRow {
  readonly lease_id: string;
  readonly request_digest: string | null;
  readonly account: string | null;
  readonly role: string | null;
  readonly emergency: boolean;
  readonly granted_at_ms: string | null;
  readonly expires_at_ms: string | null;
  readonly ended_at_ms: string | null;
  readonly end_reason: EndReason | null;
  readonly end_cause: EndCause | null;
  readonly present: boolean;
}

/** Leases, each with whether it is alive and its account really holds the role, directly. */
export const LEASES = `
  SELECT lease.*, lease.ended_at_ms IS NULL AND EXISTS (
           SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
            WHERE r.rolname = lease.role AND a.rolname = lease.account) AS present
    FROM countersign.lease lease`;

export async function findLease(client: PoolClient, leaseId: string): Promise<LeaseRow | undefined> {
  const { rows } = await client.query<LeaseRow>(`${LEASES} WHERE lease_id = $1 FOR UPDATE OF lease`, [
    leaseId,
  ]);
  return rows[0];
}

/** Leases of one account on one role that are alive. */
export async function liveLeases(
  client: PoolClient,
  account: string,
  role: string,
): Promise<readonly LeaseRow[]> {
  const { rows } = await client.query<LeaseRow>(
    `${LEASES} WHERE account = $1 AND role = $2 AND ended_at_ms IS NULL`,
    [account, role],
  );
  return rows;
}

/** Serialises everything that concerns one lease. */
export const lockLease = (client: PoolClient, leaseId: string): Promise<void> =>
  lock(client, `lease ${leaseId}`);

/** Serialises one account's hold on one role: always after the lease that it is about. */
export const lockAccess = (client: PoolClient, account: string, role: string): Promise<void> =>
  lock(client, `access ${JSON.stringify([account, role])}`);

export function recordOf(row: LeaseRow): LeaseRecord {
  const { ended_at_ms: endedAtMs, end_reason: reason, end_cause: cause } = row;
  const ended =
    reason === null ? {} : { ended: { atMs: Number(endedAtMs), reason, ...(cause && { cause }) } };
  return {
    id: row.lease_id,
    account: row.account ?? '',
    grant: row.role ?? '',
    requestDigest: row.request_digest ?? '',
    emergency: row.emergency,
    grantedAtMs: Number(row.granted_at_ms ?? row.ended_at_ms),
    expiresAtMs: Number(row.expires_at_ms ?? row.ended_at_ms),
    ...ended,
    present: row.present,
  };
}
