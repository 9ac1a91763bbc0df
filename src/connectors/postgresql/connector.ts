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
import { findLease, LEASES, type LeaseRow, liveLeases, lockAccess, lockLease, recordOf } from './lease-table';
import { refuseUnfit, takeAway } from './membership';
import { SCHEMA } from './schema';
import { endSessions, forgetSessions, noteSessions, sessionsDue } from './sessions';
import { inTurn } from './turn';

export interface PostgresqlOptions extends DatabaseOptions {
  readonly name: string;
  readonly nowMs?: () => number;
}

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
    const outcome = await this.#database.transaction((client) => this.#end(client, leaseId, reason, cause));
    const { accessRemoved, before } = outcome;
    // The access has ended. Sessions that cannot be ended with it are noted, and the reconciler's.
    if (accessRemoved && before !== undefined)
      await endSessions(this.#database, before).catch(() => undefined);
    return outcome;
  }

  async list(scope: 'all' | 'alive' = 'all', governed: readonly CatalogGrant[] = []): Promise<Inventory> {
    await this.#prepare();
    const leases = await this.#database.query<LeaseRow>(
      `${LEASES} WHERE $1 OR lease.ended_at_ms IS NULL ORDER BY lease.granted_at_ms NULLS LAST, lease.lease_id`,
      [scope === 'all'],
    );
    const roles = governed.flatMap((grant) => grant['role'] ?? []);
    const drift = await this.#database.query<Drift>(
      `
      SELECT DISTINCT a.rolname AS account, r.rolname AS grant
        FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
       WHERE (r.rolname = ANY ($1) OR r.rolname IN (SELECT DISTINCT role FROM countersign.lease WHERE role IS NOT NULL))
         AND NOT EXISTS (SELECT 1 FROM countersign.lease l
                          WHERE l.account = a.rolname AND l.role = r.rolname AND l.ended_at_ms IS NULL)
       ORDER BY 1, 2`,
      [roles],
    );
    return { leases: leases.map(recordOf), drift };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    await this.#prepare();
    const rows = await this.#database.query<LeaseRow>(
      `${LEASES} WHERE ended_at_ms IS NULL AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 1000`,
      [atMs],
    );
    return rows.map(recordOf);
  }

  /** Where some are left, the connector's own role may not end them, or they take long to end. */
  async endSessions(): Promise<readonly Drift[]> {
    await this.#prepare();
    const left: Drift[] = [];
    for (const access of await sessionsDue(this.#database))
      if (!(await endSessions(this.#database, access))) left.push(access);
    return left;
  }

  async withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    await this.#prepare();
    return inTurn('reconciler', (text, values) => this.#database.query(text, values), this.#nowMs(), work);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #grant(client: PoolClient, terms: GrantTerms, role: string): Promise<ProvisionOutcome> {
    const { leaseId, requestDigest, emergency, binding } = terms;
    const { account } = binding;
    await lockLease(client, leaseId);
    const earlier = await findLease(client, leaseId);
    if (earlier !== undefined) return outcomeOfEarlier(recordOf(earlier), requestDigest);
    await lockAccess(client, account, role);
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
    await forgetSessions(client, account, role);
    return { outcome: 'granted', lease: { id: leaseId, account, grantedAtMs, expiresAtMs } };
  }

  async #end(
    client: PoolClient,
    leaseId: string,
    reason: EndReason,
    cause: EndCause | undefined,
  ): Promise<RevocationOutcome> {
    await lockLease(client, leaseId);
    const lease = await findLease(client, leaseId);
    if (lease === undefined)
      await client.query(
        "INSERT INTO countersign.lease (lease_id, ended_at_ms, end_reason) VALUES ($1, $2, 'barred')",
        [leaseId, this.#nowMs()],
      );
    const { account = null, role = null } = lease ?? {};
    if (lease === undefined || account === null || role === null)
      return { accessRemoved: false, neverGiven: true };
    const before = recordOf(lease);
    await lockAccess(client, account, role);
    if (lease.ended_at_ms === null)
      await client.query(
        'UPDATE countersign.lease SET ended_at_ms = $2, end_reason = $3, end_cause = $4 WHERE lease_id = $1',
        [leaseId, this.#nowMs(), reason, cause ?? null],
      );
    if ((await liveLeases(client, account, role)).length > 0) return { accessRemoved: false, before };
    const accessRemoved = await takeAway(client, account, role);
    if (accessRemoved && lease.ended_at_ms === null) await noteSessions(client, account, role);
    return { accessRemoved, before };
  }

  #prepare(): Promise<void> {
    return this.#database.prepare(SCHEMA);
  }
}

const refusedWith = (code: RefusalCode, detail: string): ProvisionOutcome => ({
  outcome: 'refused',
  refusal: { code, detail },
});
