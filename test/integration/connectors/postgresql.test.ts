import { Client } from 'pg';
import type { Connector } from '../../../src/connectors/contract';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { authorise } from '../../support/authorisation';
import { describeConnectorContract } from '../../support/connector-contract';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let connector: Connector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  await postgres.query('CREATE ROLE overlord SUPERUSER; CREATE ROLE "odd ""name""" LOGIN');
  connector = new PostgresqlConnector({ name: 'warehouse', url: postgres.url });
}, 60_000);
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

const holds = async (account: string, role: string) => {
  const [row] = await postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
  return row?.['held'] === true;
};

describeConnectorContract('PostgreSQL', {
  connector: () => connector,
  account: 'payments_ci',
  role: 'production_write',
  holds,
  giveAside: async (account, role) => void (await postgres.query(`GRANT ${role} TO ${account}`)),
  takeAside: async (account, role) => void (await postgres.query(`REVOKE ${role} FROM ${account}`)),
  breakOff: async (work) => {
    // Another session holds the catalog that GRANT writes to, so that the lease is written and the grant is not;
    // then the connector's session is killed.
    const blocker = new Client({ connectionString: postgres.url });
    await blocker.connect();
    await blocker.query('BEGIN; LOCK TABLE pg_auth_members IN ACCESS EXCLUSIVE MODE');
    const broken = work().then(
      () => 'done',
      () => 'broken',
    );
    for (let waiting = 0; waiting === 0; ) {
      const { rows } = await blocker.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign' AND wait_event_type = 'Lock'",
      );
      waiting = rows.length;
    }
    expect(await broken).toBe('broken');
    await blocker.query('ROLLBACK');
    await blocker.end();
  },
  halt: async () => postgres.halt(),
  restart: async () => postgres.restart(),
});

describe('PostgreSQL alone', () => {
  test('a role above the rules of the database is never granted', async () => {
    const authorisation = await authorise({ id: 'mighty-0001', account: 'payments_ci', role: 'overlord' });
    expect(await connector.provision(authorisation)).toMatchObject({ refusal: { code: 'TARGET_REFUSED' } });
    expect(await holds('payments_ci', 'overlord')).toBe(false);
  });

  test('names are quoted', async () => {
    const account = 'odd "name"';
    const authorisation = await authorise({ id: 'quoted-0001', account, role: 'production_write' });
    expect(await connector.provision(authorisation)).toMatchObject({ outcome: 'granted' });
    expect(await holds(account, 'production_write')).toBe(true);
    await connector.revoke('quoted-0001', 'revoked');
  });

  test('takes over the tables of a version that kept no causes', async () => {
    await postgres.query('ALTER TABLE countersign.lease DROP COLUMN end_cause; DROP TABLE countersign.made');
    const next = new PostgresqlConnector({ name: 'warehouse', url: postgres.url });
    await next.revoke('earlier-0001', 'barred');
    await next.close();
    const [row] = await postgres.query('SELECT end_cause FROM countersign.lease LIMIT 1');
    expect(row).toEqual({ end_cause: null });
  });

  test('ends a lease whose account is gone', async () => {
    await postgres.query('CREATE ROLE leaver LOGIN');
    const authorisation = await authorise({ id: 'leaver-0001', account: 'leaver', role: 'production_write' });
    await connector.provision(authorisation);
    await postgres.query('DROP ROLE leaver');
    expect(await connector.revoke('leaver-0001', 'expired')).toMatchObject({ accessRemoved: true });
  });
});
