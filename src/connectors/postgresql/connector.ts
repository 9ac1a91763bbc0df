import { escapeIdentifier, type PoolClient } from 'pg';
import type { EndCause } from '../../domain/lease';
import type { GrantTerms } from '../../domain/prove';
import { type Authorisation, isAuthorisation } from '../../domain/prove';
import type { RefusalCode } from '../../domain/refusal';
import {
  type CatalogGrant,
  type Connector,
  type ConnectorDescription,
  type Drift,
  type EndReason,
  type Inventory,
  type LeaseRecord,
  outcomeOfEarlier,
  type ProvisionOutcome,
  type RevocationOutcome,
} from '../contract';
import { Database, type DatabaseOptions } from './database';
import { FindingTable } from './finding-table';
import { findLease, holdsRole, type LeaseRow, liveLeases, lock, recordOf } from './lease-table';
import { MIGRATION_LOCK, SCHEMA } from './schema';

export interface PostgresqlOptions extends DatabaseOptions {
  readonly name: string;
  readonly nowMs?: () => number;
}

/** Longer than a look takes by far. Two looks at once would do no harm, only the same work. */
const RECONCILER_LOCK_MS = 10_000;

/** Membership in PostgreSQL roles. Lease and GRANT are one transaction, so there is never one without the other. */
export class PostgresqlConnector implements Connector {
  readonly #database: Database;
  readonly #name: string;
  readonly #nowMs: () => number;
  readonly findings: FindingTable;

  constructor({ name, nowMs = Date.now, ...database }: PostgresqlOptions) {
    this.#name = name;
    this.#nowMs = nowMs;
    this.#database = new Database(database);
    this.findings = new FindingTable(this.#database, () => this.#prepare(), nowMs);
  }

  describe(): ConnectorDescription {
    // PostgreSQL has an end date for passwords, none for membership.
    return { name: this.#name, kind: 'postgresql', endsByItself: false };
  }

  async provision(authorisation: Authorisation): Promise<ProvisionOutcome> {
    // Types are gone at run time; without this, anything of the right shape would be a proof.
    if (!isAuthorisation(authorisation)) return refusedWith('NOT_AUTHORISED', 'this is not a proof');
    const { terms } = authorisation;
    if (terms.kind !== 'access')
      return refusedWith('TARGET_REFUSED', 'this target gives access, it executes nothing');
    const role = terms.binding.grant['role'];
    if (role === undefined)
      return refusedWith('TARGET_REFUSED', 'the catalog names no role for this entitlement');
    await this.#prepare();
    return this.#database.transaction((client) => this.#grant(client, terms, role));
  }

  async revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationOutcome> {
    await this.#prepare();
    return this.#database.transaction((client) => this.#end(client, leaseId, reason, cause));
  }

  async list(scope: 'all' | 'alive' = 'all', governed: readonly CatalogGrant[] = []): Promise<Inventory> {
    await this.#prepare();
    const leases = await this.#database.query<LeaseRow & { present: boolean }>(
      `
      SELECT lease.*, (m.member IS NOT NULL) AS present
        FROM countersign.lease lease
        LEFT JOIN pg_roles r ON r.rolname = lease.role
        LEFT JOIN pg_roles a ON a.rolname = lease.account
        LEFT JOIN (SELECT DISTINCT roleid, member FROM pg_auth_members) m ON m.roleid = r.oid AND m.member = a.oid
       WHERE $1 OR lease.ended_at_ms IS NULL
       ORDER BY lease.granted_at_ms NULLS LAST, lease.lease_id`,
      [scope === 'all'],
    );
    const roles = governed.flatMap((grant) => grant['role'] ?? []);
    const drift = await this.#database.query<{ account: string; grant: string }>(
      `
      SELECT DISTINCT a.rolname AS account, r.rolname AS grant
        FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
       WHERE (r.rolname = ANY ($1) OR r.rolname IN (SELECT DISTINCT role FROM countersign.lease WHERE role IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM countersign.lease l
                          WHERE l.account = a.rolname AND l.role = r.rolname AND l.ended_at_ms IS NULL)
       ORDER BY 1, 2`,
      [roles],
    );
    const held = leases.map((row) => recordOf(row, row.present && row.ended_at_ms === null));
    return { leases: held, drift: drift satisfies readonly Drift[] };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    await this.#prepare();
    const rows = await this.#database.query<LeaseRow>(
      'SELECT * FROM countersign.lease WHERE ended_at_ms IS NULL AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 1000',
      [atMs],
    );
    return rows.map((row) => recordOf(row, true));
  }

  async withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    await this.#prepare();
    // A row with an end time rather than a lock of the session: no connection is held, and a crash frees it by itself.
    // One that ends further off than any lock does was taken by a clock that is wrong, and is no lock.
    const nowMs = this.#nowMs();
    const claimed = await this.#database.query(
      `INSERT INTO countersign.reconciler (until_ms) VALUES ($2)
       ON CONFLICT (singleton) DO UPDATE SET until_ms = $2 WHERE countersign.reconciler.until_ms NOT BETWEEN $1::bigint + 1 AND $2
       RETURNING 1`,
      [nowMs, nowMs + RECONCILER_LOCK_MS],
    );
    if (claimed.length === 0) return false;
    try {
      await work();
    } finally {
      await this.#database.query('UPDATE countersign.reconciler SET until_ms = 0 WHERE until_ms = $1', [
        nowMs + RECONCILER_LOCK_MS,
      ]);
    }
    return true;
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #grant(client: PoolClient, terms: GrantTerms, role: string): Promise<ProvisionOutcome> {
    const { leaseId, requestDigest, emergency, binding } = terms;
    const { account } = binding;
    await lock(client, `lease ${leaseId}`);
    const earlier = await findLease(client, leaseId);
    if (earlier !== undefined) return outcomeOfEarlier(recordOf(earlier, true), requestDigest);
    await lock(client, `access ${account} ${role}`);
    const unfit = await refuseUnfit(client, account, role);
    if (unfit !== undefined) return refusedWith('TARGET_REFUSED', unfit);
    const alive = await liveLeases(client, account, role);
    if (emergency && alive.some((lease) => lease.emergency))
      return refusedWith(
        'EMERGENCY_ACTIVE',
        'an emergency grant of the same access is alive, and cannot be extended',
      );
    const grantedAtMs = this.#nowMs();
    const expiresAtMs = grantedAtMs + terms.durationMs;
    await client.query(
      `INSERT INTO countersign.lease (lease_id, request_digest, account, role, emergency, granted_at_ms, expires_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7)`,
      [leaseId, requestDigest, account, role, emergency, grantedAtMs, expiresAtMs],
    );
    await client.query(`GRANT ${escapeIdentifier(role)} TO ${escapeIdentifier(account)}`);
    return { outcome: 'granted', lease: { id: leaseId, account, grantedAtMs, expiresAtMs } };
  }

  async #end(
    client: PoolClient,
    leaseId: string,
    reason: EndReason,
    cause: EndCause | undefined,
  ): Promise<RevocationOutcome> {
    await lock(client, `lease ${leaseId}`);
    const lease = await findLease(client, leaseId);
    if (lease === undefined)
      await client.query(
        "INSERT INTO countersign.lease (lease_id, ended_at_ms, end_reason) VALUES ($1, $2, 'barred')",
        [leaseId, this.#nowMs()],
      );
    const { account = null, role = null } = lease ?? {};
    if (lease === undefined || account === null || role === null)
      return { accessRemoved: false, neverGiven: true };
    const before = recordOf(lease, true);
    await lock(client, `access ${account} ${role}`);
    if (lease.ended_at_ms === null)
      await client.query(
        'UPDATE countersign.lease SET ended_at_ms = $2, end_reason = $3, end_cause = $4 WHERE lease_id = $1',
        [leaseId, this.#nowMs(), reason, cause ?? null],
      );
    if ((await liveLeases(client, account, role)).length > 0) return { accessRemoved: false, before };
    // Looked up first, for a role or account that has been dropped since took its memberships along.
    if (await holdsRole(client, account, role))
      await client.query(`REVOKE ${escapeIdentifier(role)} FROM ${escapeIdentifier(account)}`);
    return { accessRemoved: true, before };
  }

  #prepare(): Promise<void> {
    return this.#database.prepare(MIGRATION_LOCK, SCHEMA);
  }
}

/** Roles that are above the database's own rules are never granted, whatever the catalog says. */
async function refuseUnfit(client: PoolClient, account: string, role: string): Promise<string | undefined> {
  const { rows } = await client.query<{ rolname: string; mighty: boolean }>(
    `SELECT rolname, rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication AS mighty
       FROM pg_roles WHERE rolname IN ($1, $2)`,
    [account, role],
  );
  const found = rows.find((row) => row.rolname === role);
  if (found === undefined) return `the target has no role ${role}`;
  if (found.mighty) return `the role ${role} stands above the database's own rules and is never granted`;
  if (!rows.some((row) => row.rolname === account)) return `the target has no account ${account}`;
  return undefined;
}

const refusedWith = (code: RefusalCode, detail: string): ProvisionOutcome => ({
  outcome: 'refused',
  refusal: { code, detail },
});
