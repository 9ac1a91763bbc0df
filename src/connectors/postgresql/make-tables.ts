import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from './database';
import { TargetUnavailable } from './unavailable';

/** What every store of ours stands on. A row of `made` is the digest of a schema whose tables are all there. */
const BASE = `
  CREATE SCHEMA IF NOT EXISTS countersign;
  CREATE TABLE IF NOT EXISTS countersign.made (digest text PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS countersign.lock (subject text PRIMARY KEY);
`;
/** What the later of two hears that make the same thing at once: `IF NOT EXISTS` does not wait for the other. */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710'];
const TRIES = 5;

/**
 * Makes the tables of a schema where they are not there yet, in one process at a time. It takes no lock that anybody but
 * their owner could take, and none at all where they are there.
 */
export async function makeTables(database: Database, schema: string): Promise<void> {
  const digest = createHash('sha256').update(schema).digest('hex');
  for (let tries = 1; ; tries += 1) {
    if (await areMade(database, digest)) return;
    try {
      return await database.transaction(async (client) => {
        await client.query(BASE);
        await client.query('LOCK TABLE countersign.made IN SHARE ROW EXCLUSIVE MODE');
        await client.query(schema);
        await client.query('INSERT INTO countersign.made (digest) VALUES ($1) ON CONFLICT DO NOTHING', [
          digest,
        ]);
      });
    } catch (error) {
      const state = error instanceof TargetUnavailable ? error.sqlState : undefined;
      if (tries === TRIES || state === undefined || !MADE_MEANWHILE.includes(state)) throw error;
      await sleep(20 * tries);
    }
  }
}

async function areMade(database: Database, digest: string): Promise<boolean> {
  const [base] = await database.query<{ there: boolean }>(
    "SELECT to_regclass('countersign.made') IS NOT NULL AS there",
  );
  if (base?.there !== true) return false;
  const made = await database.query('SELECT 1 FROM countersign.made WHERE digest = $1', [digest]);
  return made.length > 0;
}
