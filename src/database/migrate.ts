import { setTimeout as sleep } from 'node:timers/promises';
import type { PoolClient, QueryResultRow } from 'pg';
import type { Logger } from '../contracts/logger';
import { lock } from './row-lock';
import { TargetUnavailable } from './unavailable';

/** One step from the tables of a version to those of the next. Once released it never changes: a mistake is mended by a later one. */
export interface Migration {
  readonly name: string;
  /** Statements, run in one transaction with the note that they ran. */
  readonly sql: string;
  /**
   * False if programs that do not know this migration can no longer use the tables. They then refuse to work, so replace
   * all workers and gateways before the first one that has it. Migrations that only add leave this out.
   */
  readonly additive?: false;
}

/** The tables of one store: its migrations in order. The number of a migration is its place, from 1. */
export interface StoreTables {
  readonly store: string;
  readonly migrations: readonly Migration[];
}

/** What a migration needs of a database. */
export interface Unprepared {
  query<Row extends QueryResultRow>(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
}

interface Recorded {
  readonly store: string;
  readonly number: number;
  readonly name: string;
  readonly additive: boolean;
}

/** The table of what was migrated, in a schema. Everything that has tables of ours stands on it. */
const recordIn = (schema: string): string => `
  DO $schema$ BEGIN
    -- IF NOT EXISTS asks for CREATE on the database even if the schema is there.
    IF to_regnamespace('${schema}') IS NULL THEN CREATE SCHEMA ${schema}; END IF;
  END $schema$;
  CREATE TABLE IF NOT EXISTS ${schema}.migration (
    store      text NOT NULL,
    number     integer NOT NULL,
    name       text NOT NULL,
    additive   boolean NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (store, number)
  );`;
const BASE = `${recordIn('countersign')}
  CREATE TABLE IF NOT EXISTS countersign.lock (subject text PRIMARY KEY);`;

const NO_SUCH_TABLE = ['42P01', '3F000'];
/** The error codes that the later of two gets when both make the same thing at once: `IF NOT EXISTS` does not wait. */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710'];
const TRIES = 5;

/**
 * Brings the tables of some stores up to date. If there is nothing to do, this is one query that takes no lock. Otherwise
 * one process at a time migrates, under a row lock that only the owner of our tables can take, in one transaction.
 *
 * A database that a newer version migrated is used as it is, and `log` says so once for each store.
 *
 * @throws TargetUnavailable if the database cannot be reached or refuses, or if a newer version changed it in a way that
 *   this one cannot work with
 */
export async function migrate(
  database: Unprepared,
  stores: readonly StoreTables[],
  log?: Logger,
): Promise<void> {
  let recorded = await recordedIn((text, values) => database.query(text, values), stores);
  for (let tries = 1; stores.some((store) => missingFrom(recorded, store).length > 0); tries += 1)
    try {
      recorded = await database.transaction((client) => apply(client, stores));
    } catch (error) {
      if (tries === TRIES || !isOneOf(MADE_MEANWHILE, error)) throw error;
      await sleep(20 * tries);
    }
  for (const store of stores) heedNewer(recorded, store, log);
}

/**
 * The same migrations as a script, for stores whose tables are made by their owner and not by us. It can be run again,
 * and does only what was not done yet.
 */
export const migrationScript = (schema: string, { store, migrations }: StoreTables): string =>
  [
    recordIn(schema),
    ...migrations.map(
      (migration, index) => `
DO $apply$ BEGIN
  IF NOT EXISTS (SELECT FROM ${schema}.migration WHERE store = '${store}' AND number = ${index + 1}) THEN
    EXECUTE $migration$${migration.sql}$migration$;
    INSERT INTO ${schema}.migration (store, number, name, additive)
    VALUES ('${store}', ${index + 1}, '${migration.name}', ${migration.additive ?? true});
  END IF;
END $apply$;`,
    ),
  ].join('\n');

async function apply(client: PoolClient, stores: readonly StoreTables[]): Promise<readonly Recorded[]> {
  await client.query(BASE);
  await lock(client, 'migrations');
  const read = async (text: string, values: readonly unknown[]) =>
    (await client.query<Recorded>(text, [...values])).rows;
  const recorded = await recordedIn(read, stores);
  for (const store of stores)
    for (const { number, migration } of missingFrom(recorded, store)) {
      await client.query(migration.sql);
      await client.query(
        'INSERT INTO countersign.migration (store, number, name, additive) VALUES ($1, $2, $3, $4)',
        [store.store, number, migration.name, migration.additive ?? true],
      );
    }
  return recordedIn(read, stores);
}

async function recordedIn(
  query: (text: string, values: readonly unknown[]) => Promise<readonly Recorded[]>,
  stores: readonly StoreTables[],
): Promise<readonly Recorded[]> {
  try {
    return await query(
      'SELECT store, number, name, additive FROM countersign.migration WHERE store = ANY ($1) ORDER BY number',
      [stores.map(({ store }) => store)],
    );
  } catch (error) {
    if (isOneOf(NO_SUCH_TABLE, error)) return [];
    throw error;
  }
}

const missingFrom = (recorded: readonly Recorded[], { store, migrations }: StoreTables) =>
  migrations
    .map((migration, index) => ({ number: index + 1, migration }))
    .filter(({ number }) => !recorded.some((one) => one.store === store && one.number === number));

function heedNewer(recorded: readonly Recorded[], { store, migrations }: StoreTables, log?: Logger): void {
  const newer = recorded.filter((one) => one.store === store && one.number > migrations.length);
  if (newer.length === 0) return;
  const breaking = newer.find(({ additive }) => !additive);
  if (breaking !== undefined)
    throw new TargetUnavailable(
      `a newer version of countersign changed the tables of the ${store} (${breaking.number} ${breaking.name}); update this one`,
    );
  log?.warn(
    { store, known: migrations.length, recorded: newer.map(({ number, name }) => `${number} ${name}`) },
    'the database has migrations of a newer version; they only add, so this version goes on',
  );
}

const isOneOf = (states: readonly string[], error: unknown): boolean =>
  error instanceof TargetUnavailable && error.sqlState !== undefined && states.includes(error.sqlState);
