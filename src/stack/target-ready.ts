import { Client } from 'pg';
import { type Waiting, waitUntil } from './wait-until';

/** Logs in for migrations of the payments schema, with no rights but those of the role that owns it. */
export const MIGRATION_LOGIN = 'payments_migrator';

/** Where an account logs in to the embedded target. The connector does so as `postgres`. */
export const targetUrl = (port: number, account = 'postgres'): string =>
  `postgres://${encodeURIComponent(account)}@127.0.0.1:${port}/postgres`;

/** Waits until a PostgreSQL answers. */
export const waitForTarget = (url: string, waiting: Omit<Waiting, 'what'>): Promise<void> =>
  waitUntil({ ...waiting, what: 'the embedded target' }, () => askOnce(url));

async function askOnce(url: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 5_000 });
  // A connection that breaks while it is opened says so twice; once is enough.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}
