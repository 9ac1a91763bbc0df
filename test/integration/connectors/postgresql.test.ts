import type { Connector } from '../../../src/connectors/contract';
import { connectorContract } from '../../../src/connectors/kit';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { postgresql } from '../../../src/connectors/postgresql/definition';
import { authorise } from '../../support/authorisation';
import { breakOff, startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let connector: Connector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  await postgres.query('CREATE ROLE overlord SUPERUSER; CREATE ROLE "odd ""name""" LOGIN');
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

const holds = async (account: string, role: string) => {
  const [row] = await postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
  return row?.['held'] === true;
};

const ACCESS = ['payments_ci', 'production_write'] as const;
const contract = connectorContract({
  definition: postgresql,
  connector: () => connector,
  account: 'payments_ci',
  grant: { role: 'production_write' },
  grantName: 'production_write',
  unknown: [{ account: 'nobody_there' }, { grant: { role: 'nothing_there' } }],
  access: {
    holds: () => holds(...ACCESS),
    giveAside: async () => void (await postgres.query('GRANT production_write TO payments_ci')),
    takeAside: async () => void (await postgres.query('REVOKE production_write FROM payments_ci')),
  },
  // GRANT writes to this catalog, so that the lease is written and the grant is not.
  breakOff: (work) => breakOff(postgres.url, 'pg_auth_members', work),
  outage: { halt: async () => postgres.halt(), restart: async () => postgres.restart() },
});

describe('TTA-2, TTA-3, TTA-5, EMG-1, EMG-2, EMG-3, FRI-8 the connector contract: PostgreSQL', () => {
  for (const { name, run } of contract) test(name, run);
});

describe('PostgreSQL alone', () => {
  test('a role that can bypass the rules of the database is never granted', async () => {
    const authorisation = await authorise({ id: 'mighty-0001', account: 'payments_ci', role: 'overlord' });
    expect(await connector.provision(authorisation)).toMatchObject({ refusal: { code: 'TARGET_REFUSED' } });
    expect(await holds('payments_ci', 'overlord')).toBe(false);
  });

  test('odd names of accounts and roles are quoted', async () => {
    const account = 'odd "name"';
    const authorisation = await authorise({ id: 'quoted-0001', account, role: 'production_write' });
    expect(await connector.provision(authorisation)).toMatchObject({ outcome: 'granted' });
    expect(await holds(account, 'production_write')).toBe(true);
    await connector.revoke('quoted-0001', 'revoked');
  });

  test('a lease whose account was dropped can be ended', async () => {
    await postgres.query('CREATE ROLE leaver LOGIN');
    const authorisation = await authorise({ id: 'leaver-0001', account: 'leaver', role: 'production_write' });
    await connector.provision(authorisation);
    await postgres.query('DROP ROLE leaver');
    expect(await connector.revoke('leaver-0001', 'expired')).toMatchObject({ accessRemoved: true });
  });
});
