import type { PoolClient } from 'pg';
import type { EndCause } from '../../domain/lease';
import type { EndReason, LeaseRecord } from '../contract';

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
}

export async function findLease(client: PoolClient, leaseId: string): Promise<LeaseRow | undefined> {
  const { rows } = await client.query<LeaseRow>(
    'SELECT * FROM countersign.lease WHERE lease_id = $1 FOR UPDATE',
    [leaseId],
  );
  return rows[0];
}

/** Leases of one account on one role that are alive. */
export async function liveLeases(
  client: PoolClient,
  account: string,
  role: string,
): Promise<readonly LeaseRow[]> {
  const { rows } = await client.query<LeaseRow>(
    'SELECT * FROM countersign.lease WHERE account = $1 AND role = $2 AND ended_at_ms IS NULL',
    [account, role],
  );
  return rows;
}

/** Whether a grant is held directly; membership that comes by way of other roles is not ours to judge. */
export async function holdsRole(client: PoolClient, account: string, role: string): Promise<boolean> {
  const { rows } = await client.query(
    `SELECT 1 FROM pg_auth_members
      WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = $1)
        AND member = (SELECT oid FROM pg_roles WHERE rolname = $2)`,
    [role, account],
  );
  return rows.length > 0;
}

/** Serialises everything that concerns one lease, then one account's hold on one role, always in this order. */
export async function lock(client: PoolClient, subject: string): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('countersign ' || $1, 0))", [subject]);
}

export function recordOf(row: LeaseRow, present: boolean): LeaseRecord {
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
    present,
  };
}
