import type { PoolClient } from 'pg';
import { Database, type DatabaseOptions } from '../../database/database';
import { withLeadership } from '../../database/leadership';
import { lock } from '../../database/row-lock';
import { Turns } from '../../database/turns';
import { TargetUnavailable } from '../../database/unavailable';
import type { EndCause, EndReason } from '../../domain/lease';
import { type Authorisation, type GrantTerms, isAuthorisation } from '../../domain/prove';
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
import { BookFindings } from './findings';
import { LEASE_BOOK } from './migrations';
import { accessOf, type BookRow, findLease, grantOf, liveLeases, markOf, nameOfRow, recordOf } from './rows';
import type { Access, BookTarget, MarkedAccess } from './target';

export interface LeaseBookOptions extends DatabaseOptions {
  /** The connector's name in the catalog. Its leases lie under it. */
  readonly name: string;
  readonly target: BookTarget;
  readonly nowMs?: () => number;
}

/**
 * Gives access on a target that cannot hold leases. They lie in the lease book, tables in PostgreSQL:
 *
 * 1. The intent with its end is written and committed, before the target is touched.
 * 2. Under the lock of the access, the target is changed, asked whether it is so, and the lease confirmed.
 *
 * A crash in between leaves an intent. Asked again, `provision` goes on where it broke off; if nobody asks, the reconciler ends
 * the intent at its end, like any lease. Ending changes the target first and is recorded in the same transaction, so a crash leaves a
 * lease that is still to be ended. Everything about one access happens under one row lock, so that overlaps are counted.
 */
export class LeaseBookConnector implements Connector {
  readonly #database: Database;
  readonly #name: string;
  readonly #target: BookTarget;
  readonly #nowMs: () => number;
  readonly findings: BookFindings;
  readonly #turns = new Turns();

  constructor({ name, target, nowMs = Date.now, ...database }: LeaseBookOptions) {
    this.#name = name;
    this.#target = target;
    this.#nowMs = nowMs;
    this.#database = new Database(database, [LEASE_BOOK]);
    this.findings = new BookFindings(this.#database, name, nowMs);
  }

  async provision(authorisation: Authorisation): Promise<ProvisionResult> {
    // Types do not exist at run time. Without this check, anything of the right shape would be a proof.
    if (!isAuthorisation(authorisation)) return refusedWith('NOT_AUTHORISED', 'this is not a proof');
    const { terms } = authorisation;
    if (terms.kind !== 'access')
      return refusedWith('TARGET_REFUSED', 'this target gives access, it executes nothing');
    const { account, grant } = terms.binding;
    const grantName = this.#target.nameOf(grant);
    if (grantName === undefined)
      return refusedWith('TARGET_REFUSED', 'the catalog names no grant of this kind for this entitlement');
    const access = { account, grant, grantName };
    return this.#turns.take(subjectOf(access), async () => {
      const intent = await this.#database.transaction((client) => this.#intend(client, terms, access));
      if (typeof intent !== 'string') return intent;
      return this.#database.transaction((client) => this.#giveAndConfirm(client, terms, access, intent));
    });
  }

  async revoke(leaseId: string, reason: EndReason, cause?: EndCause): Promise<RevocationResult> {
    const [row] = await this.#rows('lease_id = $2', [leaseId]);
    const access = row && accessOf(row);
    const end = () => this.#database.transaction((client) => this.#end(client, leaseId, reason, cause));
    return access === undefined ? end() : this.#turns.take(subjectOf(access), end, true);
  }

  async list(scope: 'all' | 'alive' = 'all', governed: readonly CatalogGrant[] = []): Promise<Inventory> {
    const rows = await this.#rows('($2 OR ended_at_ms IS NULL) ORDER BY granted_at_ms NULLS LAST, lease_id', [
      scope === 'all',
    ]);
    const grants = [...governed, ...(await this.#everLeased())];
    const held = await this.#held(rows, grants);
    const alive = new Set(rows.filter(({ ended_at_ms }) => ended_at_ms === null).map(nameOfRow));
    return {
      // An intent of which nothing came is not a lease. The reconciler ends it when its time is over.
      leases: rows
        .filter((row) => row.confirmed_at_ms !== null || row.ended_at_ms !== null || held.has(nameOfRow(row)))
        .map((row) => recordOf(row, held.has(nameOfRow(row)))),
      drift: [...held].flatMap(([key, one]) => (alive.has(key) ? [] : [one])),
    };
  }

  async overdue(atMs: number): Promise<readonly LeaseRecord[]> {
    const rows = await this.#rows(
      'ended_at_ms IS NULL AND expires_at_ms <= $2 ORDER BY expires_at_ms LIMIT 1000',
      [atMs],
    );
    const held = await this.#held(rows, rows.flatMap(grantOf));
    return rows.map((row) => recordOf(row, held.has(nameOfRow(row))));
  }

  /**
   * Takes away what bears the id of a lease that has ended: a change that the target carried out although the connection broke,
   * after the lease was ended without it. Only targets with room for the id can tell it from what others gave.
   */
  async clearLeftBehind(): Promise<readonly Drift[]> {
    if (this.#target.marked === undefined) return [];
    const left: Drift[] = [];
    for (const found of await this.#target.marked(await this.#everLeased())) {
      const became = await this.#database.transaction((client) => this.#clear(client, found));
      if (became === 'in order') continue;
      const { leaseId, account, grantName: grant } = found;
      await this.findings.keep({ kind: 'left-behind', leaseId, account, grant, what: LATE_CHANGE });
      if (became === 'still there') left.push({ account, grant });
    }
    return left;
  }

  withReconcilerLock(work: () => Promise<void>): Promise<boolean> {
    return withLeadership({ connector: this.#name }, this.#database, this.#nowMs(), work);
  }

  async close(): Promise<void> {
    await Promise.all([this.#database.close(), this.#target.close()]);
  }

  /** Writes down what is about to be given, or finds that it is written already. Returns an answer if nothing is to be given. */
  async #intend(
    client: PoolClient,
    terms: GrantTerms,
    access: Access,
  ): Promise<'new' | 'left over' | ProvisionResult> {
    await this.#lockLease(client, terms.leaseId);
    const earlier = await findLease(client, this.#name, terms.leaseId);
    if (earlier !== undefined) return this.#answerToEarlier(earlier, terms) ?? 'left over';
    await this.#lockAccess(client, access);
    const unsafe = await this.#target.refuse(access);
    if (unsafe !== undefined) return refusedWith('TARGET_REFUSED', unsafe);
    const alive = await liveLeases(client, this.#name, access);
    if (terms.emergency && alive.some(({ emergency }) => emergency))
      return refusedWith(
        'EMERGENCY_ACTIVE',
        'an emergency grant of the same access is alive, and cannot be extended',
      );
    if (alive.length === 0 && (await this.#target.holds(access)))
      return refusedWith(
        'TARGET_REFUSED',
        `${access.account} holds ${access.grantName} already, by no lease; the end of a lease would take it away`,
      );
    const grantedAtMs = this.#nowMs();
    await client.query(
      `INSERT INTO countersign.book_lease
         (connector, lease_id, request_digest, account, grant_name, catalog_grant, emergency, granted_at_ms, expires_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        ...[this.#name, terms.leaseId, terms.requestDigest, access.account, access.grantName],
        ...[JSON.stringify(access.grant), terms.emergency, grantedAtMs, grantedAtMs + terms.durationMs],
      ],
    );
    return 'new';
  }

  /** Returns undefined for an intent of the same request, which is to be carried out. */
  #answerToEarlier(earlier: BookRow, { requestDigest }: GrantTerms): ProvisionResult | undefined {
    const isOpenIntent = earlier.confirmed_at_ms === null && earlier.ended_at_ms === null;
    if (isOpenIntent && earlier.request_digest === requestDigest) return undefined;
    return outcomeOfEarlier(recordOf(earlier, true), requestDigest);
  }

  async #giveAndConfirm(
    client: PoolClient,
    terms: GrantTerms,
    access: Access,
    found: 'new' | 'left over',
  ): Promise<ProvisionResult> {
    await this.#lockLease(client, terms.leaseId);
    await this.#lockAccess(client, access);
    const intent = await findLease(client, this.#name, terms.leaseId);
    if (intent === undefined) throw new Error('an intent that was committed is not in the lease book');
    const answer = this.#answerToEarlier(intent, terms);
    if (answer !== undefined) return answer;
    // Its end was fixed when the intent was written, so an attempt that comes after it gives nothing.
    if (found === 'left over' && Number(intent.expires_at_ms) <= this.#nowMs())
      return refusedWith('LEASE_ENDED', 'the time of this lease was over before it could be given');
    await this.#target.give(access, markOf(intent));
    if (!(await this.#target.holds(access)))
      throw new TargetUnavailable(`the target took the change, and does not show ${access.grantName} yet`);
    await client.query(
      'UPDATE countersign.book_lease SET confirmed_at_ms = $3 WHERE connector = $1 AND lease_id = $2',
      [this.#name, terms.leaseId, this.#nowMs()],
    );
    return outcomeOfEarlier(recordOf(intent, true), terms.requestDigest);
  }

  async #end(
    client: PoolClient,
    leaseId: string,
    reason: EndReason,
    cause: EndCause | undefined,
  ): Promise<RevocationResult> {
    await this.#lockLease(client, leaseId);
    const row = await findLease(client, this.#name, leaseId);
    if (row === undefined)
      await client.query(
        `INSERT INTO countersign.book_lease (connector, lease_id, ended_at_ms, end_reason)
         VALUES ($1, $2, $3, 'barred')`,
        [this.#name, leaseId, this.#nowMs()],
      );
    const access = row && accessOf(row);
    if (row === undefined || access === undefined) return { accessRemoved: false, neverGiven: true };
    await this.#lockAccess(client, access);
    const isHeld = row.ended_at_ms === null && (await this.#target.holds(access));
    const before = recordOf(row, isHeld);
    // Access that is there after the end is somebody else's: drift, and not ours to take.
    if (row.ended_at_ms !== null) return { accessRemoved: false, before };
    await client.query(
      `UPDATE countersign.book_lease SET ended_at_ms = $3, end_reason = $4, end_cause = $5
        WHERE connector = $1 AND lease_id = $2`,
      [this.#name, leaseId, this.#nowMs(), reason, cause ?? null],
    );
    // An intent of which nothing came. It has ended now, so nothing can come of it any more.
    if (row.confirmed_at_ms === null && !isHeld) return { accessRemoved: false, neverGiven: true };
    const goesOn = (await liveLeases(client, this.#name, access)).length > 0;
    if (goesOn && this.#target.marked === undefined) return { accessRemoved: false, before };
    await this.#target.take(access, markOf(row));
    return { accessRemoved: !goesOn && !(await this.#target.holds(access)), before };
  }

  /** Takes away what the target holds for a lease, if that has ended. */
  async #clear(
    client: PoolClient,
    { leaseId, ...access }: MarkedAccess,
  ): Promise<'in order' | 'taken away' | 'still there'> {
    await this.#lockLease(client, leaseId);
    const row = await findLease(client, this.#name, leaseId);
    // A lease that the book does not have is another installation's: drift, and not ours to take.
    if (row === undefined || row.ended_at_ms === null) return 'in order';
    await this.#lockAccess(client, access);
    return this.#target.take(access, markOf(row)).then(
      () => 'taken away',
      () => 'still there',
    );
  }

  /** Returns every grant that was ever leased. */
  async #everLeased(): Promise<readonly CatalogGrant[]> {
    const rows = await this.#database.query<BookRow>(
      'SELECT DISTINCT ON (grant_name) * FROM countersign.book_lease WHERE connector = $1 AND grant_name IS NOT NULL',
      [this.#name],
    );
    return rows.flatMap(grantOf);
  }

  /** Returns what is held of these grants, by account and grant. */
  async #held(
    rows: readonly BookRow[],
    grants: readonly CatalogGrant[],
  ): Promise<ReadonlyMap<string, Drift>> {
    if (grants.length === 0) return new Map();
    const different = [...new Map(grants.map((grant) => [this.#target.nameOf(grant), grant])).values()];
    const accounts = [...new Set(rows.flatMap(({ account }) => account ?? []))];
    const held = await this.#target.holders(different, accounts);
    return new Map(held.map((one) => [JSON.stringify([one.account, one.grant]), one]));
  }

  #rows(condition: string, values: readonly unknown[]): Promise<readonly BookRow[]> {
    return this.#database.query<BookRow>(
      `SELECT * FROM countersign.book_lease WHERE connector = $1 AND ${condition}`,
      [this.#name, ...values],
    );
  }

  /** Take the lock of the lease first, always, so that nothing deadlocks. */
  #lockLease(client: PoolClient, leaseId: string): Promise<void> {
    return lock(client, `book lease ${JSON.stringify([this.#name, leaseId])}`);
  }

  #lockAccess(client: PoolClient, { account, grantName }: Access): Promise<void> {
    return lock(client, `book access ${JSON.stringify([this.#name, account, grantName])}`);
  }
}

const subjectOf = ({ account, grantName }: Pick<Access, 'account' | 'grantName'>): string =>
  JSON.stringify([account, grantName]);

const LATE_CHANGE = 'access that the target gave after the end of its lease';

const refusedWith = (code: RefusalCode, detail: string): ProvisionResult => ({
  outcome: 'refused',
  refusal: { code, detail },
});
