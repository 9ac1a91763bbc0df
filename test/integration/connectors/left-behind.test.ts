import { Client } from 'pg';
import type { KeptFinding } from '../../../src/connectors/contract';
import { checkTarget } from '../../../src/connectors/postgresql/check';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { setUpScript } from '../../../src/connectors/postgresql/set-up';
import { authorise } from '../../support/authorisation';
import { serverBinaries, startPostgres, type TestPostgres } from '../../support/postgres';
import { unpackPostgres18 } from '../../support/postgres-18';

const TARGET = `
  CREATE ROLE production_write; CREATE ROLE payments_ci LOGIN; CREATE ROLE accomplice LOGIN;
  CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, amount int);
  GRANT USAGE, CREATE ON SCHEMA shop TO production_write; GRANT USAGE ON SCHEMA shop TO accomplice;
  GRANT SELECT, UPDATE ON shop.orders TO production_write WITH GRANT OPTION;
  GRANT TRIGGER ON shop.orders TO production_write;
  CREATE FUNCTION shop.total() RETURNS int LANGUAGE sql AS 'SELECT 1';
  ALTER FUNCTION shop.total() OWNER TO production_write;
  CREATE TABLE shop.ours (id int); ALTER TABLE shop.ours OWNER TO production_write;
  CREATE TABLE shop.fenced (id int); ALTER TABLE shop.fenced ENABLE ROW LEVEL SECURITY;
  ALTER TABLE shop.fenced OWNER TO production_write;
  CREATE VIEW shop.outlook AS SELECT id FROM shop.orders; ALTER VIEW shop.outlook OWNER TO production_write;
  CREATE ROLE app_owner; GRANT app_owner TO production_write; GRANT USAGE, CREATE ON SCHEMA shop TO app_owner;
  GRANT CREATE ON DATABASE postgres TO production_write;
  CREATE FOREIGN DATA WRAPPER elsewhere; GRANT USAGE ON FOREIGN DATA WRAPPER elsewhere TO production_write;`;

/** What the catalog accepts of the role, so that it is granted at all. */
const ACCEPTS = 'creates, grants, triggers, prepares';

/** What a holder does, and how it is told. The first five are those that a trial found. */
const LEFT: readonly (readonly [what: string, statement: string, told: RegExp])[] = [
  [
    'a function with the rights of the role',
    "CREATE FUNCTION shop.backdoor() RETURNS void SECURITY DEFINER LANGUAGE sql AS 'UPDATE shop.orders SET amount = 0'",
    /^a function that runs with the rights of production_write: function shop\.backdoor\(\)$/,
  ],
  [
    'a table with a trigger',
    `CREATE TABLE shop.bait (id int);
     CREATE FUNCTION shop.bite() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER bites BEFORE INSERT ON shop.bait FOR EACH ROW EXECUTE FUNCTION shop.bite()`,
    /^trigger bites on table shop\.bait$/,
  ],
  [
    'a grant to another login, which may pass it on',
    'GRANT SELECT ON shop.orders TO accomplice WITH GRANT OPTION',
    /^granted by production_write to accomplice: SELECT \(and may pass it on\) on table shop\.orders$/,
  ],
  [
    'default privileges',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO accomplice',
    /^default privileges of production_write for accomplice: SELECT/,
  ],
  [
    "a trigger on somebody else's table",
    'CREATE TRIGGER watches AFTER UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.bite()',
    /^trigger watches on table shop\.orders$/,
  ],
  [
    'a view that reads with the rights of the role',
    'CREATE VIEW shop.peephole AS SELECT * FROM shop.orders',
    /^owned by production_write: view shop\.peephole$/,
  ],
  [
    'a copy of the data',
    'CREATE MATERIALIZED VIEW shop.copy AS SELECT * FROM shop.orders',
    /^owned by production_write: materialized view shop\.copy$/,
  ],
  ['a large object', "SELECT lo_from_bytea(0, 'rows')", /^owned by production_write: large object \d+$/],
  [
    'a rule',
    'CREATE RULE also AS ON INSERT TO shop.ours DO ALSO NOTIFY rows',
    /^rule also on table shop\.ours$/,
  ],
  [
    'a row security policy',
    'CREATE POLICY open ON shop.ours TO accomplice USING (true)',
    /^policy open on table shop\.ours$/,
  ],
  [
    'a function of old with a new body',
    "CREATE OR REPLACE FUNCTION shop.total() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 2'",
    /^a function that runs with the rights of production_write: function shop\.total\(\)$/,
  ],
  [
    'a grant to everybody, on one column',
    'GRANT SELECT (id) ON shop.ours TO PUBLIC',
    /^granted by production_write to everybody: SELECT on column id of table shop\.ours$/,
  ],
  [
    'a setting of the account',
    'RESET ROLE; ALTER ROLE payments_ci SET search_path = shop; SET ROLE production_write',
    /^a setting of payments_ci: search_path=shop$/,
  ],
  [
    'a function of a role that the leased one is a member of',
    "SET ROLE app_owner; CREATE FUNCTION shop.deep() RETURNS int SECURITY DEFINER LANGUAGE sql AS 'SELECT 3'; SET ROLE production_write",
    /^a function that runs with the rights of app_owner: function shop\.deep\(\)$/,
  ],
  [
    'a publication',
    'CREATE PUBLICATION leak FOR TABLE shop.ours',
    /^owned by production_write: publication leak$/,
  ],
  [
    'a foreign server',
    'CREATE SERVER abroad FOREIGN DATA WRAPPER elsewhere',
    /^owned by production_write: server abroad$/,
  ],
  [
    'a user mapping',
    'CREATE USER MAPPING FOR payments_ci SERVER abroad',
    /^owned by payments_ci: user mapping for payments_ci on server abroad$/,
  ],
  [
    'row security that is switched off',
    'ALTER TABLE shop.fenced DISABLE ROW LEVEL SECURITY',
    /^owned by production_write: table shop\.fenced$/,
  ],
  [
    'a view of old with a new body',
    'CREATE OR REPLACE VIEW shop.outlook AS SELECT id + 1 AS id FROM shop.orders',
    /^owned by production_write: view shop\.outlook$/,
  ],
  ['a schema', 'CREATE SCHEMA hideout', /^owned by production_write: schema hideout$/],
  ['a type', "CREATE TYPE shop.mood AS ENUM ('calm')", /^owned by production_write: type shop\.mood$/],
];

/** What a holder cannot do, because PostgreSQL demands more than a role that is ever granted can have. */
const PREVENTED: readonly (readonly [what: string, statement: string])[] = [
  ['an event trigger', 'CREATE EVENT TRIGGER watches ON ddl_command_end EXECUTE FUNCTION shop.total()'],
  [
    'a subscription',
    "CREATE SUBSCRIPTION pulls CONNECTION 'dbname=nowhere' PUBLICATION x WITH (connect = false)",
  ],
  ['a replication slot', "SELECT pg_create_physical_replication_slot('keeps')"],
  ['a setting of the server', "ALTER SYSTEM SET work_mem = '8MB'"],
  ['a membership for somebody else', 'GRANT production_write TO accomplice'],
];

const VERSIONS = [
  ['PostgreSQL 15', () => ({ bin: serverBinaries(), remove: () => undefined })],
  ['PostgreSQL 18', unpackPostgres18],
] as const;

const RIGHTS = ['a superuser', 'the least rights'] as const;

/** Which prepared transactions a connector may roll back: those of the role, and those of the account. */
const UNDONE: Readonly<Record<string, readonly string[]>> = {
  'PostgreSQL 15, a superuser': ['by-account', 'by-role'],
  'PostgreSQL 15, the least rights': ['by-role'],
  'PostgreSQL 18, a superuser': ['by-account', 'by-role'],
  'PostgreSQL 18, the least rights': [],
};

const SERVERS = VERSIONS.flatMap(([version, unpack]) =>
  RIGHTS.map((rights) => [version, rights, unpack] as const),
);

describe.each(
  SERVERS,
)('FRI-8, TGT-3 on %s, by %s, what a holder leaves behind', (version, rights, unpack) => {
  let postgres: TestPostgres;
  let connector: PostgresqlConnector;
  let files: { readonly remove: () => unknown } | undefined;
  let url: string;
  const urlOf = (login: string) => postgres.url.replace('postgres@', `${login}@`);
  const asLogin = async <T>(login: string, work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ connectionString: urlOf(login) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  const prepare = (name: string, role: string | undefined) =>
    asLogin('payments_ci', async (client) => {
      if (role !== undefined) await client.query(`SET ROLE ${role}`);
      await client.query('BEGIN; UPDATE shop.orders SET amount = 666');
      await client.query(`PREPARE TRANSACTION '${name}'`);
    });

  beforeAll(async () => {
    const unpacked = unpack();
    files = unpacked;
    postgres = await startPostgres({ bin: unpacked.bin, settings: ['max_prepared_transactions=10'] });
    await postgres.query(TARGET);
    const expected = { grants: [{ role: 'production_write' }], accounts: ['payments_ci'] };
    if (rights === 'the least rights') await postgres.query(setUpScript(expected, 'connector'));
    url = urlOf(rights === 'a superuser' ? 'postgres' : 'connector');
    const warn = (about: object, message: string) => void logged.push({ about, message });
    connector = new PostgresqlConnector({ url, log: { info: () => undefined, warn, error: warn } });
  }, 120_000);
  afterAll(async () => {
    await connector?.close();
    postgres?.stop();
    files?.remove();
  });

  const logged: { readonly about: object; readonly message: string }[] = [];
  let told: readonly KeptFinding[] = [];
  let stuck: readonly { readonly grant: string }[] = [];

  test('access ends as ever, whatever was left behind', async () => {
    await connector.provision(
      await authorise({
        id: 'left-0001',
        account: 'payments_ci',
        role: 'production_write',
        accepts: ACCEPTS,
      }),
    );
    await asLogin('payments_ci', async (client) => {
      await client.query('SET ROLE production_write');
      for (const [, statement] of LEFT) await client.query(statement);
    });
    for (const [, statement] of PREVENTED) {
      const trying = asLogin('payments_ci', async (client) => {
        await client.query('SET ROLE production_write');
        await client.query(statement);
      });
      await expect(trying).rejects.toThrow(/permission denied|must (be|have)/);
    }
    await prepare('by-account', undefined);
    await prepare('by-role', 'production_write');
    expect(await connector.revoke('left-0001', 'expired')).toMatchObject({ accessRemoved: true });
    stuck = await connector.clearLeftBehind();
    told = await connector.findings.read('left-0001');
  });

  test.each(LEFT)('is told: %s', (_what, _statement, expected) => {
    const found = told.filter(({ kind, what = '' }) => kind === 'left-behind' && expected.test(what));
    expect(found).toHaveLength(1);
  });

  test('each is a line in the log of the worker', () => {
    const lines = logged.filter(({ message }) => message === 'a holder left something behind');
    expect(lines).toHaveLength(told.filter(({ kind }) => kind === 'left-behind').length);
    expect(lines.map(({ about }) => about)).toContainEqual(
      expect.objectContaining({ leaseId: 'left-0001', account: 'payments_ci', grant: 'production_write' }),
    );
  });

  test('what was there before is not told', () => {
    expect(
      told.filter(({ what = '' }) => /table shop\.(ours|orders)$/.test(what) && what.startsWith('owned')),
    ).toEqual([]);
    expect(told.filter(({ what = '' }) => /UPDATE/.test(what))).toEqual([]);
  });

  test('prepared transactions are rolled back where the connector may, and else are an alert until they are gone', async () => {
    const undone = UNDONE[`${version}, ${rights}`] ?? [];
    const rest = ['by-account', 'by-role'].filter((gid) => !undone.includes(gid));
    const saidOf = (gid: string) => told.map(({ what = '' }) => what).filter((what) => what.includes(gid));
    for (const gid of undone) expect(saidOf(gid)).toEqual([expect.stringContaining('it was rolled back')]);
    for (const gid of rest)
      expect(saidOf(gid)).toEqual([expect.stringContaining('it can still be committed')]);
    expect(stuck.map(({ grant }) => grant.split(' ').at(-1))).toEqual(rest);
    for (const gid of undone)
      await expect(
        asLogin('payments_ci', (client) => client.query(`COMMIT PREPARED '${gid}'`)),
      ).rejects.toThrow('does not exist');
    for (const gid of rest) await asLogin('postgres', (client) => client.query(`ROLLBACK PREPARED '${gid}'`));
    expect(await connector.clearLeftBehind()).toEqual([]);
  });

  test('a second holder is told only of their own', async () => {
    await connector.provision(
      await authorise({
        id: 'left-0002',
        account: 'payments_ci',
        role: 'production_write',
        accepts: ACCEPTS,
      }),
    );
    await asLogin('payments_ci', (client) =>
      client.query('SET ROLE production_write; CREATE TABLE shop.second (id int)'),
    );
    await connector.revoke('left-0002', 'revoked');
    const found = await connector.findings.read('left-0002');
    // The default privileges that the first one left behind took effect on it.
    expect(found.map(({ what = '' }) => what).sort()).toEqual([
      'granted by production_write to accomplice: SELECT on table shop.second',
      'owned by production_write: table shop.second',
    ]);
  });

  test('the check of the target says beforehand what a holder of the role can leave behind', async () => {
    const grant = { role: 'production_write', accepts: ACCEPTS };
    const checks = await checkTarget(url, { grants: [grant], accounts: ['payments_ci'] });
    const { detail } = checks.find(({ what }) => what === 'role production_write') ?? { detail: '' };
    expect(detail).toMatch(
      /it owns \d+ things?, it may create in the database, hideout, shop, it may grant on shop\.orders/,
    );
    expect(detail).toMatch(/put triggers on shop\.orders/);
  });

  test('a role that may hand on another role is never granted', async () => {
    await asLogin('postgres', (client) =>
      client.query('CREATE ROLE helper; GRANT helper TO production_write WITH ADMIN OPTION'),
    );
    const given = await connector.provision(
      await authorise({
        id: 'left-0003',
        account: 'payments_ci',
        role: 'production_write',
        accepts: ACCEPTS,
      }),
    );
    expect(given).toMatchObject({ outcome: 'refused', refusal: { code: 'TARGET_REFUSED' } });
    await asLogin('postgres', (client) => client.query('DROP ROLE helper'));
  });
});
