import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { TABLES } from '../../../src/cli/setup-database';
import { FINDINGS, LEASES } from '../../../src/connectors/postgresql/migrations';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { Database } from '../../../src/database/database';
import type { StoreTables } from '../../../src/database/migrate';
import { TOKEN_USES } from '../../../src/token-uses/migrations';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const TODAY: readonly StoreTables[] = [...Object.values(TABLES).flat(), LEASES, FINDINGS, TOKEN_USES];
/** What a program of the first numbered schema knows. */
const FIRST = TODAY.map(({ store, migrations }) => ({ store, migrations: migrations.slice(0, 1) }));
const OLDEST = readFileSync(path.resolve(__dirname, '../../fixtures/database/before-migrations.sql'), 'utf8');

let postgres: TestPostgres;
let count = 0;
const open: Database[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(() => postgres?.stop());

async function sql(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A database as the oldest version left it, with rows, which a program of the first numbered schema has taken over. */
async function oldDatabase(): Promise<string> {
  count += 1;
  await postgres.query(`CREATE DATABASE upgrade_${count}`);
  const url = postgres.url.replace(/\/postgres$/, `/upgrade_${count}`);
  await sql(url, OLDEST);
  await programOf(url, FIRST).migrated();
  return url;
}

function programOf(url: string, stores: readonly StoreTables[]): Database {
  const database = new Database({ url, log: SILENT_LOGGER, maxConnections: 1 }, stores);
  open.push(database);
  return database;
}

/** A table as the older program knows it: its columns, and those of them that have to be other ones in another row. */
interface KnownTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly distinct: ReadonlySet<string>;
}

/** Tables of the older program that have rows, except those that have one row only. */
async function knownTables(url: string): Promise<readonly KnownTable[]> {
  const rows = await sql(
    url,
    `SELECT c.oid::regclass::text AS name,
            (SELECT array_agg(quote_ident(attname)::text ORDER BY attnum) FROM pg_attribute
               LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
              WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
                AND coalesce(pg_get_expr(adbin, adrelid) NOT LIKE 'nextval%', true)) AS columns,
            (SELECT array_agg(DISTINCT quote_ident(a.attname)::text) FROM pg_index i
               JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
              WHERE i.indrelid = c.oid AND i.indisunique AND a.atttypid = 'text'::regtype) AS keys
       FROM pg_class c
      WHERE c.relnamespace = 'countersign'::regnamespace AND c.relkind = 'r'
        AND c.relname NOT IN ('migration', 'made', 'lock')`,
  );
  const known: KnownTable[] = [];
  for (const { name, columns, keys } of rows) {
    const [{ filled } = {}] = await sql(url, `SELECT EXISTS (SELECT FROM ${String(name)}) AS filled`);
    if (filled === true && Array.isArray(columns) && Array.isArray(keys))
      known.push({
        name: String(name),
        columns: columns.map(String),
        distinct: new Set(keys.map(String)),
      });
  }
  return known;
}

/** What an older program does with every table: reads its columns, writes a row, changes it. Returns the number of rows written. */
async function useAll(older: Database, tables: readonly KnownTable[], round: number): Promise<number> {
  let written = 0;
  for (const { name, columns, distinct } of tables) {
    const values = columns.map((column) => (distinct.has(column) ? `${column} || '-${round}'` : column));
    const rows = await older.query(
      `INSERT INTO ${name} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM (SELECT * FROM ${name} LIMIT 1) first
       ON CONFLICT DO NOTHING RETURNING ${columns.join(', ')}`,
    );
    written += rows.length;
    const [column = ''] = columns;
    await older.query(`UPDATE ${name} SET ${column} = ${column}`);
    await older.query(`SELECT ${columns.join(', ')} FROM ${name}`);
  }
  return written;
}

const rowsOf = async (url: string, { name, columns }: KnownTable) =>
  (await sql(url, `SELECT ${columns.join(', ')} FROM ${name}`)).map((row) => JSON.stringify(row)).sort();

describe("SHP-3 the oldest kept schema, with rows, is brought up to today's while an older program goes on", () => {
  test('it reads and writes before, during and after; every row is there as it was, and today sees those that it wrote', async () => {
    const url = await oldDatabase();
    const tables = await knownTables(url);
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['countersign.lease', 'countersign.ask', 'countersign.execution']),
    );
    const before = await Promise.all(tables.map((table) => rowsOf(url, table)));
    const older = programOf(url, FIRST);
    let round = 1;
    let written = await useAll(older, tables, round);
    expect(written).toBeGreaterThan(3);
    const today = programOf(url, TODAY);
    let isMigrated = false;
    const migrating = today.migrated().then(() => {
      isMigrated = true;
    });
    while (!isMigrated) {
      round += 1;
      written += await useAll(older, tables, round);
    }
    await migrating;
    for (let after = 0; after < 3; after += 1) {
      round += 1;
      written += await useAll(older, tables, round);
    }
    const later = await Promise.all(tables.map((table) => rowsOf(url, table)));
    for (const [place, rows] of before.entries())
      expect([tables[place]?.name, later[place]]).toEqual([
        tables[place]?.name,
        expect.arrayContaining(rows),
      ]);
    expect(later.flat().length - before.flat().length).toBe(written);
    // An older program that starts now finds nothing to do, and one of today sees every row.
    await programOf(url, FIRST).migrated();
    const seen = await Promise.all(tables.map(({ name }) => today.query(`SELECT * FROM ${name}`)));
    expect(seen.flat()).toHaveLength(later.flat().length);
    const recorded = await sql(url, 'SELECT store FROM countersign.migration');
    expect(recorded).toHaveLength(TODAY.flatMap(({ migrations }) => migrations).length);
  }, 120_000);

  test.each([
    [
      'a column that older programs do not fill',
      "ALTER TABLE countersign.ask ADD COLUMN since text NOT NULL DEFAULT ''; ALTER TABLE countersign.ask ALTER COLUMN since DROP DEFAULT",
    ],
    ['a column that is gone', 'ALTER TABLE countersign.ask DROP COLUMN control'],
    ['a column of another name', 'ALTER TABLE countersign.lease RENAME COLUMN account TO holder'],
    ['a rule that their rows break', 'ALTER TABLE countersign.denial ADD CHECK (length(id) < 5) NOT VALID'],
  ])('a migration that would stop an older program is noticed: %s', async (_what, statement) => {
    const url = await oldDatabase();
    const tables = await knownTables(url);
    const older = programOf(url, FIRST);
    await useAll(older, tables, 1);
    await sql(url, statement);
    await expect(useAll(older, tables, 222_222_222)).rejects.toThrow(/the database refused/);
  });
});
