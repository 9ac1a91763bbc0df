import { Client } from 'pg';
import { checkTarget } from '../../../src/connectors/postgresql/check';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { postgresql } from '../../../src/connectors/postgresql/definition';
import { setUpScript } from '../../../src/connectors/postgresql/set-up';
import { authorise } from '../../support/authorisation';
import { serverBinaries, startPostgres, type TestPostgres } from '../../support/postgres';
import { unpackPostgres18 } from '../../support/postgres-18';

const VERSIONS = [
  ['PostgreSQL 15', () => ({ bin: serverBinaries(), remove: () => undefined })],
  ['PostgreSQL 18', unpackPostgres18],
] as const;

/** What makes a role unfit, by the name under which the catalog can accept it. */
const UNFIT: readonly (readonly [how: string, sql: string, accepts: string, said: RegExp])[] = [
  ['owns a table', 'CREATE TABLE owned (x int); ALTER TABLE owned OWNER TO unfit', 'owns', /it owns 1 thing/],
  ['may create in a schema', 'GRANT CREATE ON SCHEMA public TO unfit', 'creates', /it may create in public/],
  [
    'may create schemas',
    'GRANT CREATE ON DATABASE postgres TO unfit',
    'creates',
    /it may create in the database/,
  ],
  [
    'may create by a role that it is a member of',
    'CREATE ROLE maker; GRANT CREATE ON SCHEMA public TO maker; GRANT maker TO unfit',
    'creates',
    /it may create in public/,
  ],
  [
    'may hand on a right',
    'CREATE TABLE lent (x int); GRANT SELECT ON lent TO unfit WITH GRANT OPTION',
    'grants',
    /it may grant on lent to others/,
  ],
  [
    "may put triggers on others' tables",
    'CREATE TABLE watched (x int); GRANT TRIGGER ON watched TO unfit',
    'triggers',
    /it may put triggers on watched/,
  ],
  [
    'can log in, so that its holder can set its password',
    'ALTER ROLE unfit LOGIN',
    'logs-in',
    /password of unfit/,
  ],
  [
    'may schedule jobs',
    'CREATE SCHEMA cron; CREATE TABLE cron.job (x int); GRANT USAGE ON SCHEMA cron TO unfit',
    'schedules',
    /it may schedule jobs/,
  ],
];

const CLEAN = `DROP OWNED BY unfit; DROP ROLE unfit; DROP TABLE IF EXISTS lent, watched; DROP SCHEMA IF EXISTS cron CASCADE;
  DO $$ BEGIN IF to_regrole('maker') IS NOT NULL THEN DROP OWNED BY maker; DROP ROLE maker; END IF; END $$`;

describe.each(
  VERSIONS,
)('TGT-3, FRI-8 on %s, a role whose lease would not end with its end', (_version, unpack) => {
  let postgres: TestPostgres;
  let files: { readonly bin: string; readonly remove: () => unknown } | undefined;
  let connector: PostgresqlConnector;
  let made = 0;
  const asking = async (accepts?: string) => {
    made += 1;
    const terms = { id: `unfit-${made}`, account: 'payments_ci', role: 'unfit' };
    return connector.provision(await authorise({ ...terms, ...(accepts !== undefined && { accepts }) }));
  };

  beforeAll(async () => {
    const unpacked = unpack();
    files = unpacked;
    postgres = await startPostgres({ bin: unpacked.bin });
    await postgres.query('CREATE ROLE payments_ci LOGIN; CREATE ROLE fit; CREATE ROLE other LOGIN');
    connector = new PostgresqlConnector({ url: postgres.url });
  }, 120_000);
  afterAll(async () => {
    await connector?.close();
    postgres?.stop();
    files?.remove();
  });

  test.each(
    UNFIT,
  )('is not granted and fails the check if it %s, unless the catalog accepts that by name', async (_how, sql, accepts, said) => {
    await postgres.query(`CREATE ROLE unfit; ${sql}`);
    const refused = await asking();
    expect(refused).toMatchObject({ outcome: 'refused', refusal: { code: 'TARGET_REFUSED' } });
    expect(refused.outcome === 'refused' && refused.refusal.detail).toMatch(said);
    expect(refused.outcome === 'refused' && refused.refusal.detail).toContain(`accepts: "${accepts}"`);
    expect((await connector.list()).drift).toEqual([]);
    const checkOf = async (grant: Record<string, string>) =>
      (await checkTarget(postgres.url, { grants: [grant], accounts: ['payments_ci'] })).find(
        ({ what }) => what === 'role unfit',
      );
    expect(await checkOf({ role: 'unfit' })).toMatchObject({
      ok: false,
      detail: expect.stringMatching(said),
    });
    expect(await checkOf({ role: 'unfit', accepts })).toMatchObject({
      ok: true,
      detail: expect.stringMatching(/^can be granted; the catalog accepts .*told at the end: /),
    });
    expect(await asking(accepts)).toMatchObject({ outcome: 'granted' });
    await connector.revoke(`unfit-${made}`, 'revoked');
    await postgres.query(CLEAN);
  });

  test('is never granted if it may change how the server runs, whatever the catalog accepts', async () => {
    await postgres.query('CREATE ROLE unfit; GRANT ALTER SYSTEM ON PARAMETER work_mem TO unfit');
    const all = 'owns, creates, grants, triggers, logs-in, schedules, prepares';
    expect(await asking(all)).toMatchObject({
      outcome: 'refused',
      refusal: { detail: expect.stringMatching(/work_mem for good/) },
    });
    await postgres.query(CLEAN);
  });

  test('a role with plain rights, large objects and default privileges is fit', async () => {
    await postgres.query(`CREATE ROLE unfit; CREATE TABLE plain (x int); GRANT SELECT, INSERT ON plain TO unfit;
      SET ROLE unfit; SELECT lo_from_bytea(0, 'rows'); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; RESET ROLE`);
    expect(await asking()).toMatchObject({ outcome: 'granted' });
    await connector.revoke(`unfit-${made}`, 'revoked');
    await postgres.query(CLEAN);
  });

  test('what a session holds goes with the session: a lock, a listener, a temporary table, an open cursor, a transaction', async () => {
    expect(
      await connector.provision(await authorise({ id: 'held-1', account: 'payments_ci', role: 'fit' })),
    ).toMatchObject({ outcome: 'granted' });
    const holder = new Client({ connectionString: postgres.url.replace('postgres@', 'payments_ci@') });
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query(`SET ROLE fit; SELECT pg_advisory_lock(4242); LISTEN orders; CREATE TEMP TABLE kept AS SELECT 1;
      BEGIN; DECLARE all_of_it CURSOR WITH HOLD FOR SELECT 1; COMMIT; BEGIN; SELECT 1`);
    const held = () =>
      postgres.query(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 4242
         UNION ALL SELECT 1 FROM pg_class WHERE relname = 'kept'
         UNION ALL SELECT 1 FROM pg_stat_activity WHERE usename = 'payments_ci'`);
    expect(await held()).toHaveLength(3);
    await connector.revoke('held-1', 'expired');
    expect(await held()).toEqual([]);
    expect(await connector.findings.read('held-1')).toEqual([]);
    await holder.end().catch(() => undefined);
  });

  test('a connector that may not roll back what a holder prepares says so, and grants only what the catalog accepts', async () => {
    const other = await startPostgres({
      ...(files && { bin: files.bin }),
      settings: ['max_prepared_transactions=5'],
    });
    try {
      await other.query('CREATE ROLE payments_ci LOGIN; CREATE ROLE fit');
      const expected = { grants: [{ role: 'fit' }], accounts: ['payments_ci'] };
      await other.query(setUpScript(expected, 'connector'));
      const url = other.url.replace('postgres@', 'connector@');
      const checked = async (grant: Record<string, string>, login = url) =>
        (await checkTarget(login, { ...expected, grants: [grant] })).find(({ what }) => what === 'role fit');
      expect(await checked({ role: 'fit' })).toMatchObject({
        ok: false,
        detail: expect.stringContaining('"prepares"'),
      });
      expect(await checked({ role: 'fit', accepts: 'prepares' })).toMatchObject({ ok: true });
      expect(await checked({ role: 'fit' }, other.url)).toMatchObject({ ok: true, detail: 'can be granted' });
    } finally {
      other.stop();
    }
  });
});

describe('TGT-3 what a catalog accepts is read strictly', () => {
  test('only names that there are', () => {
    const { grant } = postgresql;
    expect(grant.safeParse({ role: 'fit', accepts: 'creates, grants' }).success).toBe(true);
    for (const accepts of ['everything', 'create', 'owns; DROP TABLE x'])
      expect(grant.safeParse({ role: 'fit', accepts }).success).toBe(false);
  });
});
