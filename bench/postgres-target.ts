import { toStderr } from '../src/stack/announce';
import { startPostgres, WAREHOUSE } from '../test/support/postgres';

export interface PostgresTarget {
  readonly url: string;
  query(text: string): Promise<readonly Record<string, unknown>[]>;
  stop(): void;
}

/** Starts a real PostgreSQL server as target. Returns undefined, and says so in one line, if that fails. */
export async function postgresTarget(): Promise<PostgresTarget | undefined> {
  try {
    const postgres = await startPostgres();
    await postgres.query(WAREHOUSE);
    return {
      url: postgres.url,
      query: postgres.query,
      stop: postgres.stop,
    };
  } catch (error) {
    toStderr(`no PostgreSQL, so no row for it: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
