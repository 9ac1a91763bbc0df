import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import type { Logger } from '../contracts/logger';
import { migrate, type StoreTables } from './migrate';
import { publicError } from './unavailable';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most; 4 if absent. The embedded target serves one at a time. */
  readonly maxConnections?: number;
  /** Gets one line if a newer version has migrated the database. */
  readonly log?: Logger | undefined;
}

/**
 * A small pool with time-outs on everything. Its errors are `TargetUnavailable` and hold no address. The tables of its
 * stores are brought up to date before the first query; if that fails, the next query tries again.
 */
export class Database {
  readonly #pool: Pool;
  readonly #stores: readonly StoreTables[];
  readonly #log: Logger | undefined;
  #migrated: Promise<void> | undefined;

  constructor({ url, maxConnections = 4, log }: DatabaseOptions, stores: readonly StoreTables[] = []) {
    this.#stores = stores;
    this.#log = log;
    this.#pool = new Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: 4_000,
      idleTimeoutMillis: 1_000,
      statement_timeout: 6_000,
      query_timeout: 7_000,
      // A process that hangs between two statements loses its locks.
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'countersign',
      allowExitOnIdle: true,
    });
    // The next query replaces a connection that breaks. Without these listeners it would end the process: the pool listens
    // only while a connection is idle, and a connection can also break between two queries of a transaction.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Runs `work` in one transaction on one connection. If it throws, nothing of it stays. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    await this.migrated();
    return this.#transaction(work);
  }

  async query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    await this.migrated();
    return this.#query<Row>(text, values);
  }

  /** Resolves once the tables are up to date. Every query waits for this by itself. */
  migrated(): Promise<void> {
    if (this.#stores.length === 0) return Promise.resolve();
    this.#migrated ??= migrate(
      {
        query: (text, values) => this.#query(text, values),
        transaction: (work) => this.#transaction(work),
      },
      this.#stores,
      this.#log,
    ).catch((error: unknown) => {
      this.#migrated = undefined;
      throw error;
    });
    return this.#migrated;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const result = await work(client);
      await client.query('COMMIT');
      return result;
    } catch (error) {
      broken = await client.query('ROLLBACK').then(
        () => undefined,
        () => new Error('connection lost'),
      );
      throw publicError(error);
    } finally {
      client.release(broken);
    }
  }

  async #query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw publicError(error);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw publicError(error);
    }
  }
}
