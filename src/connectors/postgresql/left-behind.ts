import { escapeIdentifier, escapeLiteral, type PoolClient } from 'pg';
import type { Logger } from '../../contracts/logger';
import { Database } from '../../database/database';
import { withMarks } from '../../domain/characters';
import type { Drift, Finding } from '../contract';
import type { FindingTable } from './finding-table';
import { lockAccess } from './lease-table';
import { type PreparedTransaction, possessionsOf, preparedBy, reachedBy } from './possessions';

/** How many things of one lease are named. The last line says how many more there are. */
const MOST_NAMED = 50;

/** Access that has ended, and whose holder's traces have not been looked for yet. */
interface Due {
  readonly lease_id: string;
  readonly account: string;
  readonly role: string;
  /** Keys of what was there at the grant. Null if that could not be listed. */
  readonly keys: readonly string[] | null;
  readonly gids: readonly string[];
}

/**
 * Records what account and role have at the grant, to compare it with what they have at the end. A list that cannot be made
 * must not keep access from being given; the end then says that nothing could be compared.
 */
export async function notePossessions(
  client: PoolClient,
  leaseId: string,
  account: string,
  role: string,
): Promise<void> {
  const owners = [account, ...(await reachedBy(client, role))];
  await client.query('SAVEPOINT possessions');
  let keys: readonly string[] | null = null;
  try {
    keys = (await possessionsOf(client, owners)).map(({ key }) => key);
    await client.query('RELEASE SAVEPOINT possessions');
  } catch {
    await client.query('ROLLBACK TO SAVEPOINT possessions');
  }
  const gids = (await preparedBy(client, owners)).map(({ gid }) => gid);
  await client.query(
    'INSERT INTO countersign.possession (lease_id, account, role, keys, gids) VALUES ($1, $2, $3, $4, $5)',
    [leaseId, account, role, keys, gids],
  );
}

/** Leases that have ended, with their sessions, and whose access is covered by no other lease. */
const DUE = `
  SELECT p.lease_id, p.account, p.role, p.keys, p.gids
    FROM countersign.possession p JOIN countersign.lease l USING (lease_id)
   WHERE l.ended_at_ms IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM countersign.session_due d WHERE d.account = p.account AND d.role = p.role)
     AND NOT EXISTS (SELECT 1 FROM countersign.lease o
                      WHERE o.account = p.account AND o.role = p.role AND o.ended_at_ms IS NULL)
   ORDER BY l.ended_at_ms LIMIT 100`;

/** Finds what holders left behind, records it as findings, and rolls back what they prepared. */
export class LeftBehind {
  constructor(
    private readonly database: Database,
    private readonly url: string,
    private readonly findings: FindingTable,
    private readonly log?: Logger,
  ) {}

  /**
   * Looks for what holders of ended leases left behind. Returns what can still take effect and could not be undone; it is looked for
   * again at the next call.
   */
  async clear(): Promise<readonly Drift[]> {
    const left: Drift[] = [];
    for (const due of await this.database.query<Due>(DUE)) left.push(...(await this.#clear(due)));
    return left;
  }

  async #clear(due: Due): Promise<readonly Drift[]> {
    const { lease_id: leaseId, account, role: grant } = due;
    const keep = async (what: string) => {
      const finding: Finding = { kind: 'left-behind', leaseId, account, grant, what: withMarks(what) };
      if (await this.findings.keepLeftBehind(finding))
        this.log?.warn({ ...finding }, 'a holder left something behind');
    };
    const stuck: PreparedTransaction[] = [];
    for (const one of await this.#preparedSince(due)) {
      const isGone = one.isHere && (await this.#rollBack(one));
      if (!isGone) stuck.push(one);
      const name = `the prepared transaction ${one.gid} of ${one.owner} in the database ${one.database}`;
      await keep(isGone ? `${name}; it was rolled back` : `${name}; it can still be committed`);
    }
    const added = await this.#possessionsSince(due);
    for (const what of added.slice(0, MOST_NAMED)) await keep(what);
    if (added.length > MOST_NAMED) await keep(`and ${added.length - MOST_NAMED} more things`);
    if (stuck.length === 0)
      await this.database.query('DELETE FROM countersign.possession WHERE lease_id = $1', [leaseId]);
    return stuck.map(({ gid }) => ({ account, grant: withMarks(`${grant}, prepared transaction ${gid}`) }));
  }

  /** What was prepared since the grant. What others prepared as the role, who still have it, is theirs. */
  #preparedSince({ account, role, gids }: Due): Promise<readonly PreparedTransaction[]> {
    return this.database.transaction(async (client) => {
      await lockAccess(client, account, role);
      const { rows } = await client.query(
        'SELECT 1 FROM countersign.lease WHERE role = $1 AND ended_at_ms IS NULL LIMIT 1',
        [role],
      );
      const roles = rows.length === 0 ? await reachedBy(client, role) : [];
      const found = await preparedBy(client, [account, ...roles]);
      return found.filter(({ gid }) => !gids.includes(gid));
    });
  }

  async #possessionsSince({ account, role, keys }: Due): Promise<readonly string[]> {
    if (keys === null) return ['what was there at the grant is not known, so nothing could be compared'];
    const before = new Set(keys);
    try {
      const now = await this.database.transaction(async (client) =>
        possessionsOf(client, [account, ...(await reachedBy(client, role))]),
      );
      return now.filter(({ key }) => !before.has(key)).map(({ what }) => what);
    } catch {
      return ['what is there now could not be listed, so nothing could be compared'];
    }
  }

  /**
   * Rolls a prepared transaction back. PostgreSQL lets only its owner and a superuser do that, outside any transaction, so this
   * takes a connection of its own. Returns false if the connector may not.
   */
  async #rollBack({ gid, owner }: PreparedTransaction): Promise<boolean> {
    const statement = `ROLLBACK PREPARED ${escapeLiteral(gid)}`;
    for (const before of [undefined, `SET ROLE ${escapeIdentifier(owner)}`]) {
      const connection = new Database({ url: this.url, maxConnections: 1 });
      try {
        if (before !== undefined) await connection.query(before);
        await connection.query(statement);
        return true;
      } catch {
        // The next way may be open.
      } finally {
        await connection.close();
      }
    }
    return false;
  }
}
