import { Client } from 'pg';
import { type WaitOptions, waitUntil } from './wait-until';

/** The account that runs migrations of the payments schema. Its only rights are those of the role that owns the schema. */
export const MIGRATION_LOGIN = 'payments_migrator';

/** Returns the address at which an account logs in to the embedded target. The connector is `postgres`. */
export const targetUrl = (port: number, account = 'postgres'): string =>
  `postgres://${encodeURIComponent(account)}@127.0.0.1:${port}/postgres`;

/** Waits until a PostgreSQL answers. */
export const waitForTarget = (url: string, waiting: Omit<WaitOptions, 'what'>): Promise<void> =>
  waitUntil({ ...waiting, what: 'the embedded target' }, () => askOnce(url));

async function askOnce(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  // A connection that breaks while it opens reports that twice; once is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
