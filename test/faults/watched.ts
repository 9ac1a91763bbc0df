import type { Client } from 'pg';
import type { Drift } from '../../src/connectors/contract';

export interface LeaseRow {
  readonly lease_id: string;
  readonly account: string | null;
  readonly role: string | null;
  readonly expires_at_ms: number | null;
  readonly ended_at_ms: number | null;
  readonly end_reason: string | null;
}

/** Access that was seen, in the target's words. */
export interface SeenAccess {
  readonly account: string;
  readonly role: string;
  readonly isLeased: boolean;
}

/** Where the leases of a target lie, and how the target is asked who has access. */
export interface Watched {
  /** What the names of the tables begin with, after the schema. */
  readonly prefix: '' | 'book_';
  /** Expression of the row that counts as the lease, from `one`, the row of the table as JSON. */
  readonly lease: string;
  /** Looks once. */
  look(client: Client): Promise<readonly SeenAccess[]>;
}

/** Leases in the target itself: one snapshot has members and leases. */
export const IN_TARGET: Watched = {
  prefix: '',
  lease: 'one',
  look: async (client) => (await client.query<SeenAccess>(MEMBERS)).rows,
};

const MEMBERS = `
  SELECT a.rolname AS account, r.rolname AS role,
         EXISTS (SELECT 1 FROM countersign.lease l
                  WHERE l.account = a.rolname AND l.role = r.rolname AND l.ended_at_ms IS NULL) AS "isLeased"
    FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
   WHERE r.rolname IN ('reporting_read', 'production_write', 'production_admin')`;

/** An intent gives nothing yet, so it counts as a lease without an account. */
const CONFIRMED = `one || jsonb_build_object('role', one->'grant_name',
  'account', CASE WHEN one->>'confirmed_at_ms' IS NOT NULL THEN one->'account' ELSE 'null' END)`;

/** An intent past its end can have given access that nobody confirmed, so it covers nothing for longer than the stated lag. */
const LIVE = `SELECT account, grant_name AS role FROM countersign.book_lease
  WHERE ended_at_ms IS NULL AND expires_at_ms > extract(epoch FROM clock_timestamp()) * 1000 - $1`;
const CHANGED_SINCE = `SELECT raw->>'account' AS account, raw->>'grant_name' AS role FROM watch.change WHERE at >= $1`;

/**
 * Leases in the lease book, beside the target. No snapshot has both. Access is covered by a lease, or an intent, that was alive before
 * or after the target was asked, or that changed meanwhile. Leases are committed before the target is changed, and their ends after it.
 *
 * @param holders asks the target who holds what
 * @param statedLagMs for how long after its end access may be there
 */
export const inBook = (holders: () => Promise<readonly Drift[]>, statedLagMs: number): Watched => ({
  prefix: 'book_',
  lease: CONFIRMED,
  look: async (client) => {
    const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    const before = await client.query<Named>(LIVE, [statedLagMs]);
    const held = await holders();
    const after = await client.query<Named>(LIVE, [statedLagMs]);
    const changed = await client.query<Named>(CHANGED_SINCE, [rows[0]?.now]);
    const covered = new Set([...before.rows, ...after.rows, ...changed.rows].map(nameOf));
    return held.map(({ account, grant: role }) => ({
      account,
      role,
      isLeased: covered.has(nameOf({ account, role })),
    }));
  },
});

type Named = Pick<SeenAccess, 'account' | 'role'>;

/** Returns the same text for the same access. */
export const nameOf = ({ account, role }: Named): string => JSON.stringify([account, role]);
