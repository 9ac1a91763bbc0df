import { Client } from 'pg';
import { ExecutionTokenConnector } from '../../../src/connectors/execution-token/connector';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { Database } from '../../../src/database/database';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let connector: PostgresqlConnector;
const open: Client[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
});
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

const urlOf = (account: string) => postgres.url.replace('postgres@', `${account}@`);

async function login(account: string): Promise<Client> {
  const client = new Client({ connectionString: urlOf(account) });
  client.on('error', () => undefined);
  await client.connect();
  open.push(client);
  return client;
}

const give = async (id: string, role = 'production_write', account = 'payments_ci', on = connector) =>
  on.provision(await authorise({ id, account, role }));

const holds = async (account = 'payments_ci', role = 'production_write') => {
  const [row] = await postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
  return row?.['held'];
};

/** Every advisory lock that earlier versions used, or that one could guess. */
const ADVISORY = (id: string) => `
  SELECT pg_advisory_lock(hashtextextended('countersign lease ${id}', 0)),
         pg_advisory_lock(hashtextextended('countersign access payments_ci production_write', 0)),
         pg_advisory_lock(hashtextextended('countersign execution ${id}', 0)),
         pg_advisory_lock(7305001), pg_advisory_lock(7305002), pg_advisory_lock(7305003)`;

describe('EMG-2 a holder of access cannot keep it by holding a lock', () => {
  test('advisory locks, which anyone can take, neither keep a lease alive nor keep a worker from starting', async () => {
    await give('locked-0001');
    const holder = await login('payments_ci');
    await holder.query(ADVISORY('locked-0001'));
    const restarted = new PostgresqlConnector({ url: postgres.url });
    await restarted.revoke('locked-0001', 'expired');
    const executions = new ExecutionTokenConnector({ url: postgres.url });
    await executions.revoke('locked-0001', 'barred');
    await Promise.all([restarted.close(), executions.close()]);
    expect(await holds()).toBe(false);
  });

  test('our locks are rows that no account can touch', async () => {
    await give('locked-0002');
    const holder = await login('payments_ci');
    for (const statement of [
      "SELECT 1 FROM countersign.lock WHERE subject = 'lease locked-0002' FOR UPDATE",
      "INSERT INTO countersign.lock VALUES ('lease locked-0002')",
      'DO $$ BEGIN LOCK TABLE countersign.lock IN ACCESS SHARE MODE; END $$',
      'DO $$ BEGIN LOCK TABLE countersign.migration IN ACCESS SHARE MODE; END $$',
    ])
      await expect(holder.query(statement)).rejects.toThrow(/permission denied/);
    await connector.revoke('locked-0002', 'revoked');
  });

  test('ending a lease waits for the holder of its lock row', async () => {
    await give('locked-0003');
    const holder = await login('postgres');
    await holder.query(
      "BEGIN; SELECT 1 FROM countersign.lock WHERE subject = 'lease locked-0003' FOR UPDATE",
    );
    const ending = connector.revoke('locked-0003', 'revoked');
    const first = await Promise.race([
      ending.then(() => 'ended'),
      holder.query('SELECT pg_sleep(0.3)').then(() => 'waits'),
    ]);
    expect(first).toBe('waits');
    await holder.query('ROLLBACK');
    expect(await ending).toMatchObject({ accessRemoved: true });
  });

  test('many connectors that start at once make the tables once, and all of them work', async () => {
    await postgres.query('DROP SCHEMA countersign CASCADE');
    const starting = Array.from({ length: 6 }, (_, n) => {
      const options = { name: 'one', url: postgres.url, maxConnections: 1 };
      return n % 2 === 0 ? new PostgresqlConnector(options) : new ExecutionTokenConnector(options);
    });
    const inventories = await Promise.all(starting.map((one) => one.list()));
    expect(inventories).toHaveLength(6);
    await Promise.all(starting.map((one) => one.close()));
  });

  test('a worker that hangs inside a transaction loses its locks', async () => {
    const database = new Database({ url: postgres.url, maxConnections: 1 });
    const rows = await database.query<{ idle_in_transaction_session_timeout: string }>(
      'SHOW idle_in_transaction_session_timeout',
    );
    await database.close();
    expect(rows).toEqual([{ idle_in_transaction_session_timeout: '10s' }]);
  });
});

describe('EMG-2 the reconciler of executions', () => {
  test('lists what is alive, and ignores a leadership that a wrong clock took for a year', async () => {
    const executions = new ExecutionTokenConnector({ url: postgres.url });
    await executions.revoke('barred-0001', 'barred');
    expect((await executions.list()).leases.map(({ id }) => id)).toContain('barred-0001');
    expect((await executions.list('alive')).leases).toEqual([]);
    await executions.withReconcilerLock(async () => undefined);
    await postgres.query('UPDATE countersign.execution_reconciler SET until_ms = $1', [
      Date.now() + 31_536_000_000,
    ]);
    expect(await executions.withReconcilerLock(async () => undefined)).toBe(true);
    await executions.close();
  });
});

describe('EMG-2 no session outlives the access it was opened with', () => {
  const WRITE = 'INSERT INTO stock VALUES (1)';
  beforeAll(async () => {
    await postgres.query('CREATE TABLE stock (n int); GRANT INSERT ON stock TO production_write');
  });

  test('APB-6 a session that ran SET ROLE cannot write after the end', async () => {
    await give('session-0001');
    const holder = await login('payments_ci');
    await holder.query('SET ROLE production_write');
    await holder.query(WRITE);
    await connector.revoke('session-0001', 'expired');
    await expect(holder.query(WRITE)).rejects.toThrow();
    const next = await login('payments_ci');
    await expect(next.query('SET ROLE production_write')).rejects.toThrow(/permission denied/);
    expect(await connector.endSessions()).toEqual([]);
  });

  test('of two leases of the same access only the end of the last one ends sessions, and only those of its account', async () => {
    await give('session-0002');
    await give('session-0003');
    const [holder, other] = [await login('payments_ci'), await login('deploy_bot')];
    await connector.revoke('session-0002', 'revoked');
    expect((await holder.query(WRITE)).rowCount).toBe(1);
    await connector.revoke('session-0003', 'revoked');
    await expect(holder.query('SELECT 1')).rejects.toThrow();
    expect((await other.query('SELECT 1')).rowCount).toBe(1);
  });

  test('the next look ends the sessions that a dead worker left, but no later ones', async () => {
    const holder = await login('payments_ci');
    // As an ending leaves it between the COMMIT and the end of the sessions.
    await postgres.query("INSERT INTO countersign.session_due VALUES ('payments_ci', 'production_write')");
    expect(await connector.endSessions()).toEqual([]);
    await expect(holder.query('SELECT 1')).rejects.toThrow();
    const next = await login('payments_ci');
    expect(await connector.endSessions()).toEqual([]);
    expect((await next.query('SELECT 1')).rowCount).toBe(1);
  });

  test('if the connector may not end them, the access still ends, and they are reported until they are gone', async () => {
    await postgres.query('CREATE ROLE lesser LOGIN CREATEROLE; DROP SCHEMA countersign CASCADE');
    await postgres.query('GRANT CREATE ON DATABASE postgres TO lesser');
    const lesser = new PostgresqlConnector({ url: urlOf('lesser') });
    try {
      await give('session-0004', 'production_write', 'payments_ci', lesser);
      const holder = await login('payments_ci');
      expect(await lesser.revoke('session-0004', 'expired')).toMatchObject({ accessRemoved: true });
      expect(await holds()).toBe(false);
      expect((await holder.query('SELECT 1')).rowCount).toBe(1);
      const left = [{ account: 'payments_ci', grant: 'production_write' }];
      expect(await lesser.endSessions()).toEqual(left);
      const later = await login('payments_ci');
      await postgres.query('GRANT pg_signal_backend TO lesser');
      expect(await lesser.endSessions()).toEqual([]);
      await expect(holder.query('SELECT 1')).rejects.toThrow();
      expect((await later.query('SELECT 1')).rowCount).toBe(1);
    } finally {
      await lesser.close();
    }
  });
});

describe('APB-1 a role that can bypass the rules of the database is never granted, not even indirectly', () => {
  beforeAll(async () => {
    await postgres.query(`DROP SCHEMA IF EXISTS countersign CASCADE; CREATE ROLE overlord SUPERUSER; CREATE ROLE keeper;
      CREATE ROLE between; GRANT overlord TO between; CREATE ROLE harmless; GRANT harmless TO reporting_read;`);
    await connector.close();
    connector = new PostgresqlConnector({ url: postgres.url });
    await connector.list();
  });

  test.each([
    ['is a member of a superuser role, one further off', 'GRANT between TO reaching'],
    ['runs programs on the server', 'GRANT pg_execute_server_program TO reaching'],
    ['writes all data, our records too', 'GRANT pg_write_all_data TO reaching'],
    ['ends the sessions of the connector', 'GRANT pg_signal_backend TO reaching'],
    ['could write our records', 'GRANT keeper TO reaching; GRANT UPDATE ON countersign.lease TO keeper'],
  ])('a role that %s', async (what, sql) => {
    await postgres.query(`CREATE ROLE reaching; ${sql}`);
    const outcome = await give(`reach-${what.length}`, 'reaching');
    await postgres.query('DROP ROLE reaching');
    expect(outcome).toMatchObject({ outcome: 'refused', refusal: { code: 'TARGET_REFUSED' } });
  });

  test('a role that is a member of harmless roles is granted', async () => {
    expect(await give('harmless-0001', 'reporting_read')).toMatchObject({ outcome: 'granted' });
    await connector.revoke('harmless-0001', 'revoked');
  });
});
