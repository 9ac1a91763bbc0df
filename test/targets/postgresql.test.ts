import { startPostgres, type TestPostgres } from '../support/postgres';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';
import { TcpChangeProxy } from '../support/targets/tcp-change-proxy';

let postgres: TestPostgres;
/** Lease and grant are one transaction, so its COMMIT is the change. */
let proxy: TcpChangeProxy;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`
    CREATE ROLE payments_write; CREATE ROLE jonas LOGIN; CREATE ROLE mira LOGIN; CREATE ROLE bare LOGIN;
    CREATE TABLE payment (id int); GRANT SELECT ON payment TO payments_write;
    REVOKE CREATE ON DATABASE postgres FROM PUBLIC`);
  proxy = await TcpChangeProxy.start(Number(new URL(postgres.url).port), (sent) => sent.includes('COMMIT'));
}, 120_000);
afterAll(async () => {
  await proxy?.stop();
  postgres?.stop();
});

const addressFor = (login: string, port = proxy.port): string =>
  `postgres://${login}@127.0.0.1:${port}/postgres`;
const holds = async (who: string): Promise<boolean> => {
  const [row] = await postgres.query("SELECT pg_has_role($1, 'payments_write', 'MEMBER') AS held", [who]);
  return row?.['held'] === true;
};

const MISFITS = {
  'wrong-login': () => ({
    settings: { url: addressFor(`nobody_there:${WRONG_SECRET}`) },
    says: /28000 role "nobody_there" does not exist/,
  }),
  'missing-right': () => ({
    settings: { url: addressFor('bare') },
    says: /42501 permission denied/,
  }),
  'unknown-role': () => ({
    grant: { role: `no 'such' "rôle" \\ %` },
    says: /the target has no role no 'such' "rôle" \\ %/,
  }),
};

// What the connector does on the database is in test/integration/connectors/postgresql.test.ts.
livesOnTarget('postgresql', MISFITS, () => ({
  kind: 'postgresql',
  settings: { url: addressFor('postgres') },
  account: 'jonas',
  grant: { role: 'payments_write' },
  address: addressFor('', Number(new URL(postgres.url).port)).replace('//@', '//'),
  command: `psql -qAt -c 'SELECT count(*) FROM payment' >&2`,
  works: () => holds('jonas'),
  proxy,
  outage: { halt: async () => postgres.halt(), restart: async () => postgres.restart() },
  other: {
    account: 'mira',
    give: async () => void (await postgres.query('GRANT payments_write TO mira')),
    holds: () => holds('mira'),
    take: async () => void (await postgres.query('REVOKE payments_write FROM mira')),
  },
}));
