import type { PoolClient } from 'pg';
import { lock } from '../../database/row-lock';
import type { EndCause, EndReason } from '../../domain/lease';
import type { LeaseRecord } from '../contract';

/** A row of the lease table as the driver returns it: bigints are text. */
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
  /** What account and role of a lease are called now. Null if there is none any more: a namesake made since is another one. */
  readonly account_now: string | null;
  readonly role_now: string | null;
  readonly present: boolean;
}

/** The oids of a lease's account and role. A lease from before they were kept is found by its names. */
const ACCOUNT_OID =
  'coalesce(lease.account_oid, (SELECT a.oid FROM pg_roles a WHERE a.rolname = lease.account))';
const ROLE_OID = 'coalesce(lease.role_oid, (SELECT r.oid FROM pg_roles r WHERE r.rolname = lease.role))';

/** Selects leases. `present` is true if the lease is alive and its account really holds the role, directly. */
export const LEASES = `
  SELECT lease.*,
         (SELECT a.rolname FROM pg_roles a WHERE a.oid = ${ACCOUNT_OID}) AS account_now,
         (SELECT r.rolname FROM pg_roles r WHERE r.oid = ${ROLE_OID}) AS role_now,
         lease.ended_at_ms IS NULL AND EXISTS (
           SELECT 1 FROM pg_auth_members m WHERE m.member = ${ACCOUNT_OID} AND m.roleid = ${ROLE_OID}) AS present
    FROM countersign.lease lease`;

/** Whether a live lease is of this account and role, each given as an oid and a name. */
export const isLiveLeaseOf = (account: readonly [string, string], role: readonly [string, string]): string =>
  `(lease.ended_at_ms IS NULL AND ((lease.account_oid = ${account[0]} AND lease.role_oid = ${role[0]})
    OR (lease.account_oid IS NULL AND lease.account = ${account[1]} AND lease.role = ${role[1]})))`;

export async function findLease(client: PoolClient, leaseId: string): Promise<LeaseRow | undefined> {
  const { rows } = await client.query<LeaseRow>(`${LEASES} WHERE lease_id = $1 FOR UPDATE OF lease`, [
    leaseId,
  ]);
  return rows[0];
}

/** Lists the live leases of one account on one role, by what they are called now. */
export async function liveLeases(
  client: PoolClient,
  account: string,
  role: string,
): Promise<readonly LeaseRow[]> {
  const { rows } = await client.query<LeaseRow>(
    `${LEASES} WHERE ${isLiveLeaseOf(
      ['(SELECT oid FROM pg_roles WHERE rolname = $1::text)', '$1::text'],
      ['(SELECT oid FROM pg_roles WHERE rolname = $2::text)', '$2::text'],
    )}`,
    [account, role],
  );
  return rows;
}

/** Locks one lease until the transaction ends. */
export const lockLease = (client: PoolClient, leaseId: string): Promise<void> =>
  lock(client, `lease ${leaseId}`);

/** Locks what one account holds of one role. Take the lock of the lease first, always, so that nothing deadlocks. */
export const lockAccess = (client: PoolClient, account: string, role: string): Promise<void> =>
  lock(client, `access ${JSON.stringify([account, role])}`);

/** Returns what account and role of a lease are called now, or undefined if one of them is gone. */
export function namesNow({
  account_now: account,
  role_now: role,
}: LeaseRow): { readonly account: string; readonly role: string } | undefined {
  return account === null || role === null ? undefined : { account, role };
}

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
    ...calledNow(row),
  };
}

function calledNow({
  account,
  role,
  account_now,
  role_now,
  ended_at_ms,
}: LeaseRow): Pick<LeaseRecord, 'calledNow'> {
  if (ended_at_ms !== null || account_now === null || role_now === null) return {};
  if (account_now === account && role_now === role) return {};
  return { calledNow: { account: account_now, grant: role_now } };
}
