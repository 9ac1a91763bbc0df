import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient } from 'pg';
import type { Database } from '../../database/database';
import { TargetUnavailable } from '../../database/unavailable';
import type { Drift } from '../contract';
import { lockAccess } from './lease-table';

/** How many times, and how far apart, to check whether the sessions are gone. */
const LOOKS = 10;
const BETWEEN_LOOKS_MS = 30;
const NOT_PERMITTED = '42501';

/**
 * Records that the sessions of an account have to end, in the transaction that takes its role away. Without this, a session
 * that ran `SET ROLE` keeps the role for as long as it lasts, and a running statement continues.
 */
export async function noteSessions(client: PoolClient, account: string, role: string): Promise<void> {
  await client.query(
    `INSERT INTO countersign.session_due (account, role) VALUES ($1, $2)
     ON CONFLICT (account, role) DO UPDATE SET pids = NULL`,
    [account, role],
  );
}

/** A new lease of the same access covers the remaining sessions. They are recorded again at its end. */
export async function forgetSessions(client: PoolClient, account: string, role: string): Promise<void> {
  await client.query('DELETE FROM countersign.session_due WHERE account = $1 AND role = $2', [account, role]);
}

/** Lists the access whose sessions still have to end. */
export function sessionsDue(database: Database): Promise<readonly Drift[]> {
  return database.query(
    'SELECT account, role AS grant FROM countersign.session_due ORDER BY 1, 2 LIMIT 1000',
  );
}

/**
 * Ends the sessions that existed when the access was taken away. Later ones never had it. Returns true if none is left;
 * false if some take long to end, or if the connector's own role may not end them.
 */
export async function endSessions(database: Database, { account, grant: role }: Drift): Promise<boolean> {
  const pids = await database.transaction(async (client) => {
    await lockAccess(client, account, role);
    const { rows } = await client.query<{ pids: readonly number[] }>(
      `UPDATE countersign.session_due due
          SET pids = ARRAY(SELECT pid FROM pg_stat_activity
                            WHERE usename = due.account AND usename <> session_user
                              AND (due.pids IS NULL OR pid = ANY (due.pids)))
        WHERE account = $1 AND role = $2 RETURNING pids`,
      [account, role],
    );
    const alive = rows[0]?.pids ?? [];
    if (alive.length === 0) await forgetSessions(client, account, role);
    return alive;
  });
  if (pids.length === 0) return true;
  const answer = await signal(database, account, role, pids);
  if (answer !== 'told') return answer === 'covered';
  for (let looks = 0; looks < LOOKS; looks += 1) {
    if (looks > 0) await sleep(BETWEEN_LOOKS_MS);
    if ((await database.query(STILL_THERE, [account, pids])).length > 0) continue;
    await database.query(
      'DELETE FROM countersign.session_due WHERE account = $1 AND role = $2 AND pids = $3::int[]',
      [account, role, pids],
    );
    return true;
  }
  return false;
}

const STILL_THERE = 'SELECT 1 FROM pg_stat_activity WHERE usename = $1 AND pid = ANY ($2::int[]) LIMIT 1';

/**
 * Tells the sessions to end, unless a lease of the same access has begun since they were recorded: it covers them. A lease cannot
 * begin meanwhile, because both hold the lock of the access.
 */
async function signal(
  database: Database,
  account: string,
  role: string,
  pids: readonly number[],
): Promise<'told' | 'covered' | 'not permitted'> {
  try {
    return await database.transaction(async (client) => {
      await lockAccess(client, account, role);
      const { rows } = await client.query(
        'SELECT 1 FROM countersign.session_due WHERE account = $1 AND role = $2 AND pids = $3::int[]',
        [account, role, pids],
      );
      if (rows.length === 0) return 'covered';
      await client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1 AND pid = ANY ($2::int[])',
        [account, pids],
      );
      return 'told';
    });
  } catch (error) {
    if (error instanceof TargetUnavailable && error.sqlState === NOT_PERMITTED) return 'not permitted';
    throw error;
  }
}
