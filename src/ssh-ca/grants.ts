import { Database, type DatabaseOptions } from '../database/database';
import { SSH_GRANTS } from './migrations';

export interface SshGrantsOptions extends DatabaseOptions {
  /** The connector's name in the catalog. */
  readonly connector: string;
  readonly nowMs?: () => number;
}

/** A lease for which certificates may be signed. */
export interface SshGrant {
  readonly leaseId: string;
  readonly account: string;
  readonly grantName: string;
  readonly grant: unknown;
  readonly givenAtMs: number;
  readonly expiresAtMs: number;
  readonly isTaken: boolean;
}

interface Row {
  readonly lease_id: string;
  readonly account: string;
  readonly grant_name: string;
  readonly catalog_grant: unknown;
  readonly given_at_ms: string;
  readonly expires_at_ms: string;
  readonly taken_at_ms: string | null;
}

/** How long after its end a lease stays on the revocation list, for hosts whose clock is late. */
const LISTED_AFTER_END_MS = 60 * 60_000;
/** More than this many leases of one connector that end within an hour are an error rather than half a list. */
const MOST_REVOKED = 200_000;

/** Records for which leases the certificate authority of a connector may sign. Worker and gateways share the table. */
export class SshGrants {
  readonly #database: Database;
  readonly #connector: string;
  readonly #nowMs: () => number;

  constructor({ connector, nowMs = Date.now, ...database }: SshGrantsOptions) {
    this.#connector = connector;
    this.#nowMs = nowMs;
    this.#database = new Database(database, [SSH_GRANTS]);
  }

  /** Lets certificates be signed for a lease. Does nothing if that was allowed before, or taken away since. */
  async give(grant: Omit<SshGrant, 'givenAtMs' | 'isTaken'>): Promise<void> {
    const { leaseId, account, grantName, expiresAtMs } = grant;
    await this.#database.query(
      `INSERT INTO countersign.ssh_grant
         (connector, lease_id, account, grant_name, catalog_grant, given_at_ms, expires_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (connector, lease_id) DO NOTHING`,
      [
        ...[this.#connector, leaseId, account, grantName, JSON.stringify(grant.grant)],
        ...[this.#nowMs(), expiresAtMs],
      ],
    );
  }

  /** Revokes every certificate of a lease, those that are signed and those that would be. */
  async take(leaseId: string): Promise<void> {
    await this.#database.query(
      `UPDATE countersign.ssh_grant SET taken_at_ms = $3
        WHERE connector = $1 AND lease_id = $2 AND taken_at_ms IS NULL`,
      [this.#connector, leaseId, this.#nowMs()],
    );
  }

  async find(leaseId: string): Promise<SshGrant | undefined> {
    const [row] = await this.#rows('lease_id = $2', [leaseId]);
    return row && grantOf(row);
  }

  /** Lists the leases of these grants for which certificates may be signed. */
  async given(grantNames: readonly string[]): Promise<readonly SshGrant[]> {
    return (await this.#rows('taken_at_ms IS NULL AND grant_name = ANY ($2)', [grantNames])).map(grantOf);
  }

  /**
   * Lists the leases whose certificates no host may take: those that were ended, until an hour after their certificates have
   * expired by themselves.
   *
   * @throws Error if there are too many for a list
   */
  async revoked(): Promise<readonly string[]> {
    const rows = await this.#rows(
      `(taken_at_ms IS NOT NULL OR expires_at_ms <= $2) AND expires_at_ms > $3 ORDER BY lease_id LIMIT ${MOST_REVOKED + 1}`,
      [this.#nowMs(), this.#nowMs() - LISTED_AFTER_END_MS],
    );
    if (rows.length > MOST_REVOKED) throw new Error(`more than ${MOST_REVOKED} revoked certificates`);
    return rows.map(({ lease_id }) => lease_id);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #rows(condition: string, values: readonly unknown[]): Promise<readonly Row[]> {
    return this.#database.query<Row>(
      `SELECT * FROM countersign.ssh_grant WHERE connector = $1 AND ${condition}`,
      [this.#connector, ...values],
    );
  }
}

const grantOf = (row: Row): SshGrant => ({
  leaseId: row.lease_id,
  account: row.account,
  grantName: row.grant_name,
  grant: row.catalog_grant,
  givenAtMs: Number(row.given_at_ms),
  expiresAtMs: Number(row.expires_at_ms),
  isTaken: row.taken_at_ms !== null,
});
