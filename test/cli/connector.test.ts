import { type Context, createContext } from '../../src/cli/context';
import type { CommandResult } from '../../src/cli/output';
import { createProgram, defineCommand } from '../../src/cli/program';
import { PLAIN } from '../../src/cli/terminal';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { authorise } from '../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../support/postgres';

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  for (const account of ['tomas', 'ravi', 'lena', 'kim_contractor', 'reconciliation_svc'])
    await postgres.query(`CREATE ROLE ${account} LOGIN`);
}, 60_000);
afterAll(() => postgres.stop());

function addressFor(login: string, database = 'postgres'): string {
  const url = new URL(postgres.url);
  url.username = login;
  url.pathname = `/${database}`;
  return url.href;
}

const settings = (login: string, database?: string) => ({
  COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: addressFor(login, database),
  COUNTERSIGN_CONNECTOR_CHANGES_URL: addressFor(login, database),
});

async function resultOf(env: Record<string, string>, ...argv: readonly string[]): Promise<CommandResult> {
  let work: ((context: Context) => Promise<CommandResult>) | undefined;
  const program = createProgram(PLAIN);
  await defineCommand(program, argv[0] ?? '', async (asked) => {
    work = asked;
  });
  await program.parseAsync([...argv], { from: 'user' });
  if (work === undefined) throw new Error('nothing was to be done');
  return work(await createContext(env));
}

const wrongIn = ({ lines }: CommandResult) => lines.filter((line) => line.startsWith('FAIL'));

describe('TGT-4 a target is checked before it matters', () => {
  test('a login without rights: check names each missing right with the statement that gives it', async () => {
    await postgres.query('CREATE ROLE bare LOGIN; REVOKE CREATE ON DATABASE postgres FROM PUBLIC');
    const result = await resultOf(settings('bare'), 'connector', 'check', 'warehouse');
    expect(result.exitCode).toBe(1);
    const wrong = wrongIn(result).join('\n');
    expect(wrong).toMatch(/tables: there is no schema countersign in postgres, and bare may not create one/);
    expect(wrong).toMatch(
      /sessions: bare may not end the sessions of accounts; GRANT pg_signal_backend TO "bare"/,
    );
    expect(wrong).toMatch(
      /role production_write: bare may not grant it; GRANT "production_write" TO "bare" WITH ADMIN OPTION/,
    );
    expect(result.lines.join('\n')).toMatch(/ok {4}reach: PostgreSQL .*, database postgres, login bare/);
  });

  test('what setup prints gives all that check and a grant need, and nothing above the rules of the database', async () => {
    const printed = await resultOf(
      settings('countersign_login'),
      'connector',
      'setup',
      'warehouse',
      '--print',
    );
    await postgres.query(printed.lines.join('\n'));
    await postgres.query(printed.lines.join('\n'));
    const result = await resultOf(settings('countersign_login'), 'connector', 'check', 'warehouse');
    expect(wrongIn(result)).toEqual([]);
    expect(result.exitCode).toBe(0);
    const connector = new PostgresqlConnector({ url: addressFor('countersign_login') });
    try {
      const authorisation = await authorise({
        id: 'set-up-0001',
        account: 'payments_ci',
        role: 'production_write',
      });
      expect(await connector.provision(authorisation)).toMatchObject({ outcome: 'granted' });
      expect(await connector.revoke('set-up-0001', 'revoked')).toMatchObject({ accessRemoved: true });
      expect((await connector.list('all', [{ role: 'production_write' }])).drift).toEqual([]);
    } finally {
      await connector.close();
    }
    const [login] = await postgres.query(
      "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = 'countersign_login'",
    );
    expect(Object.values(login ?? {})).toEqual([false, false, false, false, false]);
    expect((await resultOf(settings('countersign_login'), 'connector', 'check', 'changes')).exitCode).toBe(0);
  });

  test('names that the target does not have, and accounts that could use nothing', async () => {
    await postgres.query(
      'ALTER ROLE reporting_read RENAME TO reporting_gone; ALTER ROLE ines NOINHERIT; ALTER ROLE mira NOLOGIN',
    );
    const wrong = wrongIn(await resultOf(settings('countersign_login'), 'connector', 'check', 'warehouse'));
    await postgres.query(
      'ALTER ROLE reporting_gone RENAME TO reporting_read; ALTER ROLE ines INHERIT; ALTER ROLE mira LOGIN',
    );
    expect(wrong).toEqual([
      expect.stringMatching(/role reporting_read: the target has no role reporting_read/),
      expect.stringMatching(/account mira: .*\(NOLOGIN\)/),
      expect.stringMatching(/account ines: .*\(NOINHERIT\); ALTER ROLE "ines" INHERIT/),
    ]);
  });

  test.each([
    [
      'a login that does not exist',
      () => addressFor('nobody_there'),
      /reach: .*28000 role "nobody_there" does not exist/,
    ],
    [
      'a database that does not exist',
      () => addressFor('bare', 'missing'),
      /reach: .*3D000 database "missing" does not exist/,
    ],
    [
      'an address where nothing listens',
      () => 'postgres://x:secret@127.0.0.1:1/x',
      /reach: .*cannot be reached/,
    ],
  ])('doctor says so of %s, and doctor --offline does not ask', async (_, address, words) => {
    const env = { ...settings('countersign_login'), COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: address() };
    const wrong = wrongIn(await resultOf(env, 'doctor'));
    expect(wrong).toContainEqual(expect.stringMatching(new RegExp(`connector warehouse: ${words.source}`)));
    expect(wrong).toContainEqual(expect.stringMatching(/^FAIL {2}ledger: reach/));
    expect(wrong.join('\n')).not.toMatch(/127\.0\.0\.1:1\/|secret/);
    expect(wrongIn(await resultOf(env, 'doctor', '--offline')).join('\n')).not.toMatch(/connector warehouse/);
  });

  test('doctor finds nothing wrong with what was set up', async () => {
    const { lines } = await resultOf(settings('countersign_login'), 'doctor');
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}connector warehouse: PostgreSQL/));
    expect(lines).toContainEqual(expect.stringMatching(/^ok {4}ledger: PostgreSQL/));
    expect(lines).toContainEqual(expect.stringMatching(/^not checked: whether a worker runs/));
  });

  test('one line for a connector that the catalog does not have, and for a missing address', async () => {
    await expect(resultOf({}, 'connector', 'check', 'lake')).rejects.toThrow('there is no connector lake in');
    const { lines, exitCode } = await resultOf({}, 'connector', 'check', 'warehouse');
    expect([exitCode, lines]).toEqual([1, [expect.stringMatching(/COUNTERSIGN_CONNECTOR_WAREHOUSE_URL/)]]);
  });

  test('the kinds are listed', async () => {
    const { lines } = await resultOf({}, 'connector', 'kinds');
    expect(lines).toContainEqual(expect.stringMatching(/^postgresql {2}access: membership/));
    expect(lines).toContainEqual(expect.stringMatching(/COUNTERSIGN_CONNECTOR_<NAME>_URL/));
  });
});
