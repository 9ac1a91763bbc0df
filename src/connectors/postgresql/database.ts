import { Pool, type PoolClient, type QueryResultRow } from 'pg';
import { makeTables } from './make-tables';
import { TargetUnavailable } from './unavailable';

export interface DatabaseOptions {
  readonly url: string;
  /** Connections at most. The embedded target serves one at a time. */
  readonly maxConnections?: number;
}

/** A small pool with time-outs on everything, whose errors give nothing away. */
export class Database {
  readonly #pool: Pool;
  #prepared: Promise<void> | undefined;

  constructor({ url, maxConnections = 4 }: DatabaseOptions) {
    this.#pool = new Pool({
      connectionString: url,
      max: maxConnections,
      connectionTimeoutMillis: 4_000,
      idleTimeoutMillis: 1_000,
      statement_timeout: 6_000,
      query_timeout: 7_000,
      // A process that stands still between two statements lets go of what it has locked.
      idle_in_transaction_session_timeout: 10_000,
      application_name: 'countersign',
      allowExitOnIdle: true,
    });
    // A connection that breaks is replaced by the next query. Without these listeners it would end the process: the
    // pool listens only while a connection is idle, and it can break between two queries of a transaction too.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Runs work in one transaction, on one connection; nothing stays where it throws. */
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
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

  async query<Row extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    try {
      return (await this.#pool.query<Row>(text, [...values])).rows;
    } catch (error) {
      throw publicError(error);
    }
  }

  /** Makes the schema, once for this pool. A failure is tried again by the next call. */
  prepare(schema: string): Promise<void> {
    this.#prepared ??= makeTables(this, schema).catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw publicError(error);
    }
  }
}

function publicError(error: unknown): Error {
  if (error instanceof TargetUnavailable) return error;
  const code = sqlStateOf(error);
  return new TargetUnavailable(
    code === undefined ? 'the database cannot be reached' : `the database refused: ${code}`,
    code,
  );
}

/** The five-character SQLSTATE of an error of the database, where it has one. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
