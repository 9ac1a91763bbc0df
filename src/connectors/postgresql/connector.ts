import { escapeIdentifier, type PoolClient } from 'pg';
import { Database, type DatabaseOptions } from '../../database/database';
import { withLeadership } from '../../database/leadership';
import { Turns } from '../../database/turns';
import type { EndCause, EndReason } from '../../domain/lease';
import type { GrantTerms } from '../../domain/prove';
import { type Authorisation, isAuthorisation } from '../../domain/prove';
import type { RefusalCode } from '../../domain/refusal';
import {
  type CatalogGrant,
  type Connector,
  type Drift,
  type Inventory,
  type LeaseRecord,
  outcomeOfEarlier,
  type ProvisionResult,
  type RevocationResult,
} from '../contract';
import { FindingTable, noteAlsoEnded } from './finding-table';
import {
  findLease,
  isLiveLeaseOf,
  LEASES,
  type LeaseRow,
  liveLeases,
  lockAccess,
  lockLease,
  namesNow,
  recordOf,
} from './lease-table';
import { LeftBehind, notePossessions } from './left-behind';
import {
  refuseUnknownAccount,
  refuseUnsafeRole,
  refuseUnusableAccount,
  standingMembership,
  takeAway,
} from './membership';
import { FINDINGS, LEASES as LEASE_TABLES } from './migrations';
import { refuseLeavings } from './role-leavings';
import { endSessions, forgetSessions, noteSessions, sessionsDue } from './sessions';

export interface PostgresqlOptions extends DatabaseOptions {
  readonly nowMs?: () => number;
}

/** Gives membership in PostgreSQL roles. Lease and GRANT are one transaction, so neither exists without the other. */
export class PostgresqlConnector implements Connector {
  readonly #database: Database;
  readonly #nowMs: () => number;
  readonly findings: FindingTable;
  readonly #leftBehind: LeftBehind;
  readonly #turns = new Turns();

  constructor({ nowMs = Date.now, ...database }: PostgresqlOptions) {
    this.#nowMs = nowMs;
    this.#database = new Database(database, [LEASE_TABLES, FINDINGS]);
    this.findings = new FindingTable(this.#database, nowMs);
    this.#leftBehind = new LeftBehind(this.#database, database.url, this.findings, database.log);
  }

  async provision(authorisation: Authorisation): Promise<ProvisionResult> {
    // Types do not exist at run time. Without this check, anything of the right shape would be a proof.
    if (!isAuthorisation(authorisation)) return refusedWith('NOT_AUTHORISED', 'this is not a proof');
    const { terms } = authorisation;
    if (terms.kind !== 'access')
      return refusedWith('TARGET_REFUSED', 'this target gives access, it executes nothing');
    const role = terms.binding.grant['role'];
    if (role === undefined)
      return refusedWith('TARGET_REFUSED', 'the catalog names no role for this entitlement');
    return this.#turns.take(subjectOf(terms.binding.account, role), () =>
      this.#database.transaction((client) => this.#grant(client, terms, role)),
    );
  }

  async revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationResult> {
    const outcome = await this.#inTurn(leaseId, () =>
      this.#database.transaction((client) => this.#end(client, leaseId, reason, cause)),
    );
    const { accessRemoved, before } = outcome;
    // The access has ended. The reconciler does later what cannot be done now.
    if (accessRemoved && before !== undefined) {
      await endSessions(this.#database, before.calledNow ?? before).catch(() => undefined);
      await this.#leftBehind.clear().catch(() => undefined);
    }
    return outcome;
  }

  /**
   * The connector's own memberships, by which it may grant, are no drift. What its login granted and no lease accounts for is
   * drift whatever the role is called now: a role or an account can be renamed during a lease. A superuser grants other things too.
   */
  async list(scope: 'all' | 'alive' = 'all', governed: readonly CatalogGrant[] = []): Promise<Inventory> {
    const leases = await this.#database.query<LeaseRow>(
      `${LEASES} WHERE $1 OR lease.ended_at_ms IS NULL ORDER BY lease.granted_at_ms NULLS LAST, lease.lease_id`,
      [scope === 'all'],
    );
    const roles = governed.flatMap((grant) => grant['role'] ?? []);
    const drift = await this.#database.query<Drift>(
      `
      SELECT DISTINCT a.rolname AS account, r.rolname AS grant
        FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
       WHERE a.rolname <> current_user
         AND (r.rolname = ANY ($1) OR r.rolname IN (SELECT DISTINCT role FROM countersign.lease WHERE role IS NOT NULL)
              OR r.oid IN (SELECT DISTINCT role_oid FROM countersign.lease WHERE role_oid IS NOT NULL)
              OR m.grantor = (SELECT me.oid FROM pg_roles me WHERE me.rolname = current_user AND NOT me.rolsuper))
         AND NOT EXISTS (SELECT 1 FROM countersign.lease lease
                          WHERE ${isLiveLeaseOf(['a.oid', 'a.rolname'], ['r.oid', 'r.rolname'])})
       ORDER BY 1, 2`,
      [roles],
    );
    return { leases: leases.map(recordOf), drift };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    const rows = await this.#database.query<LeaseRow>(
      `${LEASES} WHERE ended_at_ms IS NULL AND expires_at_ms <= $1 ORDER BY expires_at_ms LIMIT 1000`,
      [atMs],
    );
    return rows.map(recordOf);
  }

  async endSessions(): Promise<readonly Drift[]> {
    const left: Drift[] = [];
    for (const access of await sessionsDue(this.#database))
      if (!(await endSessions(this.#database, access))) left.push(access);
    return left;
  }

  clearLeftBehind(): Promise<readonly Drift[]> {
    return this.#leftBehind.clear();
  }

  async withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    return withLeadership('reconciler', this.#database, this.#nowMs(), work);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** Runs the end of a lease before the grants of the same access that wait. */
  async #inTurn<T>(leaseId: string, work: () => Promise<T>): Promise<T> {
    const [lease] = await this.#database.query<{ account: string | null; role: string | null }>(
      'SELECT account, role FROM countersign.lease WHERE lease_id = $1',
      [leaseId],
    );
    const { account = null, role = null } = lease ?? {};
    if (account === null || role === null) return work();
    return this.#turns.take(subjectOf(account, role), work, true);
  }

  async #grant(client: PoolClient, terms: GrantTerms, role: string): Promise<ProvisionResult> {
    const { leaseId, requestDigest, emergency, binding } = terms;
    const { account } = binding;
    await lockLease(client, leaseId);
    const earlier = await findLease(client, leaseId);
    if (earlier !== undefined) return outcomeOfEarlier(recordOf(earlier), requestDigest);
    await lockAccess(client, account, role);
    const unsafe =
      (await refuseUnsafeRole(client, role)) ??
      (await refuseUnknownAccount(client, account)) ??
      (await refuseLeavings(client, binding.grant, [account])).refusal;
    if (unsafe !== undefined) return refusedWith('TARGET_REFUSED', unsafe);
    const alive = await liveLeases(client, account, role);
    if (emergency && alive.some((lease) => lease.emergency))
      return refusedWith(
        'EMERGENCY_ACTIVE',
        'an emergency grant of the same access is alive, and cannot be extended',
      );
    const standing = alive.length === 0 ? await standingMembership(client, account, role) : undefined;
    if (standing !== undefined) return refusedWith('TARGET_REFUSED', standing);
    const grantedAtMs = this.#nowMs();
    const expiresAtMs = grantedAtMs + terms.durationMs;
    await client.query('SAVEPOINT before_grant');
    await client.query(
      `INSERT INTO countersign.lease
         (lease_id, request_digest, account, role, emergency, granted_at_ms, expires_at_ms, account_oid, role_oid)
       VALUES ($1, $2, $3::text, $4::text, $5, $6, $7,
         (SELECT oid FROM pg_roles WHERE rolname = $3::text), (SELECT oid FROM pg_roles WHERE rolname = $4::text))`,
      [leaseId, requestDigest, account, role, emergency, grantedAtMs, expiresAtMs],
    );
    await notePossessions(client, leaseId, account, role);
    await client.query(`GRANT ${escapeIdentifier(role)} TO ${escapeIdentifier(account)}`);
    const unusable = await refuseUnusableAccount(client, account, role);
    if (unusable !== undefined) {
      await client.query('ROLLBACK TO SAVEPOINT before_grant');
      return refusedWith('TARGET_REFUSED', unusable);
    }
    await forgetSessions(client, account, role);
    return { outcome: 'granted', lease: { id: leaseId, account, grantedAtMs, expiresAtMs } };
  }

  async #end(
    client: PoolClient,
    leaseId: string,
    reason: EndReason,
    cause: EndCause | undefined,
  ): Promise<RevocationResult> {
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
    const now = namesNow(lease);
    await lockAccess(client, now?.account ?? account, now?.role ?? role);
    if (lease.ended_at_ms === null)
      await client.query(
        'UPDATE countersign.lease SET ended_at_ms = $2, end_reason = $3, end_cause = $4 WHERE lease_id = $1',
        [leaseId, this.#nowMs(), reason, cause ?? null],
      );
    // A dropped role or account took its memberships with it. What a namesake holds was given by somebody else.
    if (now === undefined) return { accessRemoved: true, before };
    if ((await liveLeases(client, now.account, now.role)).length > 0) return { accessRemoved: false, before };
    const { isGone: accessRemoved, ofOthers } = await takeAway(client, now.account, now.role);
    await noteAlsoEnded(client, { leaseId, account, grant: role }, ofOthers, this.#nowMs());
    if (accessRemoved && lease.ended_at_ms === null) await noteSessions(client, now.account, now.role);
    return { accessRemoved, before };
  }
}

const subjectOf = (account: string, role: string): string => JSON.stringify([account, role]);

const refusedWith = (code: RefusalCode, detail: string): ProvisionResult => ({
  outcome: 'refused',
  refusal: { code, detail },
});
