import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { requestDigest } from '../../src/domain/digest';
import type { EndCause, LeaseEnd } from '../../src/domain/lease';
import type { AccessRequest } from '../../src/domain/request';
import type { TestPostgres } from './postgres';

/** A lease as a worker leaves it if it is killed after the COMMIT on the target and before reporting it. */
export interface LeaseLeft {
  readonly account: string;
  readonly role: string;
  readonly grantedAtMs: number;
  readonly expiresAtMs: number;
  /** Present if it has ended since. */
  readonly ended?: { readonly atMs: number; readonly end: LeaseEnd; readonly cause: EndCause };
}

/** Makes the lease tables, as a connector does on its first call. */
async function makeLeaseTables(url: string): Promise<void> {
  const connector = new PostgresqlConnector({ url });
  await connector.overdue(0);
  await connector.close();
}

/** Writes such a lease, with its access while it is alive. */
export async function leaveLease(postgres: TestPostgres, request: AccessRequest, left: LeaseLeft) {
  const { account, role, grantedAtMs, expiresAtMs, ended } = left;
  await makeLeaseTables(postgres.url);
  await postgres.query(
    `INSERT INTO countersign.lease (lease_id, request_digest, account, role, emergency, granted_at_ms, expires_at_ms,
       ended_at_ms, end_reason, end_cause) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      request.id,
      requestDigest(request),
      account,
      role,
      request.emergency,
      grantedAtMs,
      expiresAtMs,
      ended?.atMs ?? null,
      ended?.end ?? null,
      ended?.cause ?? null,
    ],
  );
  if (ended === undefined) await postgres.query(`GRANT ${role} TO ${account}`);
}
