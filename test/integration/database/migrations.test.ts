import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { ARCHIVE, ARCHIVE_SCHEMA } from '../../../src/audit/archive/postgresql-sink';
import { NOTICES } from '../../../src/channels/migrations';
import { FINDINGS, LEASES } from '../../../src/connectors/postgresql/migrations';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { Database } from '../../../src/database/database';
import type { StoreTables } from '../../../src/database/migrate';
import { CALLBACKS } from '../../../src/gateway/requests/callback-store';
import { LEDGER } from '../../../src/ledger/migrations';
import { TOKEN_USES } from '../../../src/token-uses/migrations';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const OURS = [LEASES, FINDINGS, TOKEN_USES, LEDGER, NOTICES, CALLBACKS];
const BEFORE = readFileSync(path.resolve(__dirname, '../../fixtures/database/before-migrations.sql'), 'utf8');

let postgres: TestPostgres;
const open: Database[] = [];
let count = 0;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});
afterAll(() => postgres.stop());

/** An empty database of its own for one test. */
async function emptyDatabase(): Promise<string> {
  count += 1;
  await postgres.query(`CREATE DATABASE case_${count}`);
  return postgres.url.replace(/\/postgres$/, `/case_${count}`);
}

function databaseOf(url: string, stores: readonly StoreTables[], logged: object[] = []): Database {
  const log = {
    ...SILENT_LOGGER,
    warn: (about: object, message: string) => void logged.push({ ...about, message }),
  };
  const database = new Database({ url, log, maxConnections: 1 }, stores);
  open.push(database);
  return database;
}

async function sql(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Everything that makes up the tables: columns with types and defaults, keys, checks, indexes and rights. */
const STRUCTURE = `
  SELECT table_schema || '.' || table_name || '.' || column_name AS what,
         concat_ws(' ', data_type, udt_name, is_nullable, column_default) AS how
    FROM information_schema.columns WHERE table_schema LIKE 'countersign%'
  UNION ALL SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace::regnamespace::text LIKE 'countersign%'
  UNION ALL SELECT schemaname || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname LIKE 'countersign%'
  UNION ALL SELECT relnamespace::regnamespace || '.' || relname || ' rights', relacl::text
    FROM pg_class WHERE relnamespace::regnamespace::text LIKE 'countersign%' AND relacl IS NOT NULL
  ORDER BY 1, 2`;

const structureOf = async (url: string) =>
  // `made` was the record of earlier versions. It stays, because workers of such a version may still run beside.
  (await sql(url, STRUCTURE)).filter(({ what }) => !/\bmade\b|made_pkey/.test(String(what)));

const rowsOf = async (url: string) => {
  const tables = await sql(
    url,
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
      WHERE table_schema LIKE 'countersign%' AND table_name NOT IN ('migration', 'made') ORDER BY 1`,
  );
  const rows = await Promise.all(
    tables.map(
      async ({ name }) => [name, await sql(url, `SELECT * FROM ${name} t ORDER BY t::text`)] as const,
    ),
  );
  return new Map(rows);
};

const recordOf = (url: string) =>
  sql(url, 'SELECT store, number, name FROM countersign.migration ORDER BY store, number');

const EVERYTHING = OURS.flatMap(({ store, migrations }) =>
  migrations.map(({ name }, index) => ({ store, number: index + 1, name })),
).sort((a, b) => (a.store < b.store ? -1 : 1));

describe('APB-4, EMG-2 a database of an earlier version is taken over', () => {
  test('with every row kept, and with the same tables as one that is made from nothing', async () => {
    const [old, fresh] = [await emptyDatabase(), await emptyDatabase()];
    await sql(old, BEFORE);
    const before = await rowsOf(old);
    for (const url of [old, fresh]) {
      await databaseOf(url, OURS).migrated();
      await sql(url, ARCHIVE_SCHEMA);
    }
    const after = await rowsOf(old);
    expect(after.get('countersign.lease')).toHaveLength(3);
    // Later versions may add columns to a row, and change none.
    for (const [table, rows] of before)
      expect([table, after.get(table)]).toEqual([
        table,
        expect.arrayContaining(rows.map((row) => expect.objectContaining(row))),
      ]);
    expect([...before.values()].every((rows) => rows.length > 0)).toBe(true);
    expect(await structureOf(old)).toEqual(await structureOf(fresh));
    expect(await recordOf(old)).toEqual(EVERYTHING);
    expect(await sql(old, 'SELECT store, number FROM countersign_archive.migration')).toEqual([
      { store: ARCHIVE.store, number: 1 },
    ]);
  });

  test('also one that kept no causes of an end', async () => {
    const url = await emptyDatabase();
    await sql(url, `${BEFORE}; ALTER TABLE countersign.lease DROP COLUMN end_cause`);
    await databaseOf(url, OURS).migrated();
    expect(await sql(url, 'SELECT DISTINCT end_cause FROM countersign.lease')).toEqual([{ end_cause: null }]);
  });

  test('and a worker of that version starts beside the new tables and changes nothing', async () => {
    const url = await emptyDatabase();
    await databaseOf(url, OURS).migrated();
    await sql(url, ARCHIVE_SCHEMA);
    const before = await structureOf(url);
    const statements = BEFORE.slice(0, BEFORE.indexOf('-- Rows'));
    await sql(url, statements);
    expect(await structureOf(url)).toEqual(before);
  });
});

const counted: StoreTables = {
  store: 'counted',
  migrations: [
    { name: 'run', sql: 'CREATE TABLE countersign.run (step text, value text)' },
    { name: 'first', sql: "INSERT INTO countersign.run (step) VALUES ('first'); SELECT pg_sleep(0.05)" },
    { name: 'second', sql: "INSERT INTO countersign.run (step) VALUES ('second')" },
  ],
};
const upTo = (length: number): StoreTables => ({
  ...counted,
  migrations: counted.migrations.slice(0, length),
});
const steps = async (url: string) =>
  (await sql(url, 'SELECT step FROM countersign.run')).map(({ step }) => step);

describe('numbered migrations', () => {
  test('six workers that start together apply each once, in order', async () => {
    const url = await emptyDatabase();
    await Promise.all(Array.from({ length: 6 }, () => databaseOf(url, [LEDGER, counted]).migrated()));
    expect(await steps(url)).toEqual(['first', 'second']);
    expect((await recordOf(url)).filter(({ store }) => store === 'counted')).toHaveLength(3);
  });

  test('a later version applies what is new, and records when', async () => {
    const url = await emptyDatabase();
    await databaseOf(url, [upTo(2)]).migrated();
    await databaseOf(url, [counted]).migrated();
    expect(await steps(url)).toEqual(['first', 'second']);
    const [last] = await sql(
      url,
      "SELECT name, applied_at > now() - interval '1 minute' AS recent FROM countersign.migration WHERE number = 3",
    );
    expect(last).toEqual({ name: 'second', recent: true });
  });

  test('one that fails leaves nothing of itself, and is tried again with the next query', async () => {
    const url = await emptyDatabase();
    const failing: StoreTables = {
      store: 'counted',
      migrations: [
        ...upTo(1).migrations,
        { name: 'bad', sql: 'ALTER TABLE countersign.run ADD x no_such_type' },
      ],
    };
    const database = databaseOf(url, [failing]);
    await expect(database.query('SELECT 1')).rejects.toThrow('the database refused: 42704');
    expect(await sql(url, "SELECT to_regclass('countersign.run') AS name")).toEqual([{ name: null }]);
    await sql(url, 'CREATE DOMAIN no_such_type AS text');
    expect(await database.query('SELECT x FROM countersign.run')).toEqual([]);
  });

  test('an older worker goes on with tables that only gained, and says so in one line', async () => {
    const url = await emptyDatabase();
    const logged: object[] = [];
    await databaseOf(url, [counted]).migrated();
    const older = databaseOf(url, [upTo(1)], logged);
    expect(await older.query('SELECT step FROM countersign.run')).toHaveLength(2);
    await older.query('SELECT 1');
    expect(logged).toEqual([
      expect.objectContaining({ store: 'counted', known: 1, recorded: ['2 first', '3 second'] }),
    ]);
  });

  test('an older worker refuses tables that it can no longer use', async () => {
    const url = await emptyDatabase();
    const breaking: StoreTables = {
      store: 'counted',
      migrations: [
        ...upTo(1).migrations,
        { name: 'no values', sql: 'ALTER TABLE countersign.run DROP COLUMN value', additive: false },
      ],
    };
    await databaseOf(url, [breaking]).migrated();
    await expect(databaseOf(url, [upTo(1)]).query('SELECT 1')).rejects.toThrow(
      'a newer version of countersign changed the tables of the counted (2 no values); update this one',
    );
  });

  test('where there is nothing to do, one query without a lock is all it takes', async () => {
    const url = await emptyDatabase();
    await databaseOf(url, OURS).migrated();
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query("BEGIN; SELECT 1 FROM countersign.lock WHERE subject = 'migrations' FOR UPDATE");
    const startedMs = performance.now();
    await databaseOf(url, OURS).migrated();
    expect(performance.now() - startedMs).toBeLessThan(200);
    await holder.end();
  });

  test('while one process migrates, the others wait for it', async () => {
    const url = await emptyDatabase();
    await databaseOf(url, OURS).migrated();
    const other = new Client({ connectionString: url });
    await other.connect();
    await other.query("BEGIN; SELECT 1 FROM countersign.lock WHERE subject = 'migrations' FOR UPDATE");
    const migrating = databaseOf(url, [counted]).migrated();
    const first = await Promise.race([
      migrating.then(() => 'migrated'),
      other.query('SELECT pg_sleep(0.3)').then(() => 'waits'),
    ]);
    expect(first).toBe('waits');
    await other.query('COMMIT');
    await migrating;
    expect(await steps(url)).toEqual(['first', 'second']);
    await other.end();
  });

  test('EMG-2 a holder of access cannot take the lock that migrations wait for', async () => {
    const url = await emptyDatabase();
    await databaseOf(url, OURS).migrated();
    await sql(url, 'CREATE ROLE holder LOGIN');
    const holder = new Client({ connectionString: url.replace('postgres@', 'holder@') });
    await holder.connect();
    for (const statement of [
      "SELECT 1 FROM countersign.lock WHERE subject = 'migrations' FOR UPDATE",
      "INSERT INTO countersign.migration VALUES ('leases', 99, 'x', false)",
      'DO $$ BEGIN LOCK TABLE countersign.migration IN ACCESS SHARE MODE; END $$',
    ])
      await expect(holder.query(statement)).rejects.toThrow(/permission denied/);
    await holder.query('SELECT pg_advisory_lock(1)');
    await databaseOf(url, [...OURS, counted]).migrated();
    await holder.end();
  });
});
