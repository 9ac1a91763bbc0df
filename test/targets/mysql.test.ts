import { createConnection } from 'mysql2/promise';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { mysql } from '../../src/connectors/mysql/definition';
import { accountName, accountOf, nameOfAccount, quoted } from '../../src/connectors/mysql/names';
import { MysqlRoles } from '../../src/connectors/mysql/target';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';
import { TestMariadb } from '../support/targets/mariadb';

const WRITE = { role: 'payments_write' };
const GRANTS = { read: { role: 'reports' }, write: WRITE, admin: { role: "admin's `role`" } };
const ODD = 'o\'brien`s "x" @jürgen@%';
const LOGIN = ['countersign', 'secret-of-mariadb'] as const;

let mariadb: TestMariadb;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
beforeAll(async () => {
  [mariadb, postgres] = await Promise.all([TestMariadb.start(), startPostgres()]);
  await mariadb.query(`
    CREATE DATABASE payments; CREATE TABLE payments.payment (id int PRIMARY KEY); INSERT INTO payments.payment VALUES (1);
    CREATE ROLE payments_write; CREATE ROLE reports; CREATE ROLE \`admin's \`\`role\`\`\`;
    GRANT SELECT ON payments.* TO payments_write;
    CREATE USER jonas@'%' IDENTIFIED BY 'of-jonas'; CREATE USER mira@'127.0.0.%';
    CREATE USER ${accountName(accountOf(ODD))};
    CREATE USER weak IDENTIFIED BY 'of-weak'; GRANT SELECT ON mysql.* TO weak;`);
  await mariadb.query(mysql.setUp({ grants: Object.values(GRANTS), accounts: [] }, LOGIN[0]));
  // MariaDB makes the creator of a role its member, which would be drift.
  for (const { role } of Object.values(GRANTS))
    await mariadb.query(`REVOKE ${quoted(role)} FROM CURRENT_USER`);
  await mariadb.query(`ALTER USER countersign@'%' IDENTIFIED BY '${LOGIN[1]}'`);
  connector = new LeaseBookConnector({ name: 'orders', target: target(), url: postgres.url });
}, 900_000);
afterAll(async () => {
  await connector?.close();
  await mariadb?.stop();
  postgres?.stop();
});

const target = (url = mariadb.url(...LOGIN)) => new MysqlRoles({ url });
const session = () =>
  createConnection({ host: '127.0.0.1', port: mariadb.port, user: 'jonas', password: 'of-jonas' });
/** Tries, as Jonas, to set the role and read by it. */
const works = async (): Promise<boolean> => {
  const connection = await session();
  try {
    await connection.query('SET ROLE payments_write');
    await connection.query('SELECT * FROM payments.payment');
    return true;
  } catch (error) {
    expect(String(error)).toMatch(/Invalid role|denied/);
    return false;
  } finally {
    connection.destroy();
  }
};
const giveAside = async () => void (await mariadb.query('GRANT payments_write TO jonas', ...LOGIN));
const takeAside = async () => void (await mariadb.query('REVOKE payments_write FROM jonas', ...LOGIN));
const asideOf = async (change: string) => void (await mariadb.query(`${change} mira@'127.0.0.%'`, ...LOGIN));
const mappings = () => mariadb.query("SELECT User FROM mysql.roles_mapping WHERE Role = 'payments_write'");
const proofOf = (id: string, account = 'jonas', grant = WRITE) => authorise({ id, account, grant });

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: roles of a MariaDB server', () => {
  const contract = connectorContract({
    definition: mysql,
    connector: () => connector,
    account: 'jonas',
    grant: WRITE,
    grantName: 'payments_write',
    unknown: [
      { account: 'nobody' },
      { account: 'jonas@10.0.0.1' },
      { account: 'reports@' },
      { grant: { role: 'nothing' } },
    ],
    access: { holds: works, giveAside, takeAside },
    breakOff: async (work) => {
      mariadb.proxy.nextChange = 'is lost';
      await expect(work()).rejects.toThrow('the server cannot be reached');
    },
    outage: { halt: () => mariadb.halt(), restart: () => mariadb.restart() },
  });
  for (const { name, run } of contract) test(name, run, 120_000);
});

describe('TGT-1 what a MariaDB server alone has', () => {
  test('EMG-2 sessions that have set the role are ended with the access', async () => {
    await connector.provision(await proofOf('sessions-0001'));
    const open = await session();
    open.on('error', () => undefined);
    await open.query('SET ROLE payments_write');
    await open.query('SELECT * FROM payments.payment');
    await connector.revoke('sessions-0001', 'expired');
    await expect(open.query('SELECT * FROM payments.payment')).rejects.toThrow();
    open.destroy();
  });

  test('a GRANT that was carried out unheard is confirmed when it is asked for again', async () => {
    mariadb.proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(await proofOf('unheard-0001'))).rejects.toThrow('cannot be reached');
    expect(await works()).toBe(true);
    expect(await connector.provision(await proofOf('unheard-0001'))).toMatchObject({ outcome: 'granted' });
    expect(await connector.revoke('unheard-0001', 'revoked')).toMatchObject({ accessRemoved: true });
    expect(await works()).toBe(false);
  });

  test("the connector's own login gets no role, whatever it is called", async () => {
    for (const account of [LOGIN[0], `${LOGIN[0]}@%`]) {
      const result = await connector.provision(await proofOf(`own-login-${account.length}`, account));
      const detail = `the account ${account} is the login of the connector itself`;
      expect(result).toMatchObject({ outcome: 'refused', refusal: { code: 'TARGET_REFUSED', detail } });
    }
  });

  test('odd names and accounts with hosts', async () => {
    for (const [id, account, grant] of [
      ['odd-names-0001', 'jonas', GRANTS.admin],
      ['odd-names-0002', 'mira@127.0.0.%', WRITE],
      ['odd-names-0003', ODD, WRITE],
    ] as const) {
      expect(await connector.provision(await proofOf(id, account, grant))).toMatchObject({
        outcome: 'granted',
      });
      expect(await connector.list('alive')).toMatchObject({
        leases: [{ account, present: true }],
        drift: [],
      });
      await connector.revoke(id, 'revoked');
    }
    for (const text of ['jonas', 'jonas@10.%', "o'brien@example.com@%"])
      expect(nameOfAccount(accountOf(text))).toBe(text);
  });

  test('TGT-4 a wrong password and a missing right are permanent, in the words of the server, without the secret', async () => {
    const access = { account: 'jonas', grant: WRITE, grantName: 'payments_write' };
    await expect(target(mariadb.url('countersign', 'not-this-one')).give(access)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^the server refused: 1045 Access denied (?!.*not-this-one)/),
    });
    await expect(target(mariadb.url('jonas', 'of-jonas')).give(access)).rejects.toMatchObject({
      isPermanent: true,
    });
    const check = (url: string, role = 'payments_write') =>
      mysql.check({ url }, { grants: [{ role }], accounts: ['jonas', 'left'] });
    expect((await check(mariadb.url(...LOGIN))).map(({ what, ok }) => [what, ok])).toEqual([
      ['reach', true],
      ['role payments_write', true],
      ['account jonas', true],
      ['account left', false],
    ]);
    expect((await check(mariadb.url(...LOGIN), 'nothing')).at(1)).toMatchObject({
      what: 'role nothing',
      ok: false,
    });
    expect(await check('mysql://x:not-this-one@127.0.0.1:1')).toEqual([
      { what: 'reach', ok: false, detail: 'the server cannot be reached (ECONNREFUSED)' },
    ]);
  });

  test('what setup prints gives no right to read what the roles allow', async () => {
    const read = mariadb.query('SELECT * FROM payments.payment', ...LOGIN);
    await expect(read).rejects.toThrow(/denied/);
  });
});

const MISFITS = {
  'wrong-password': () => ({
    settings: { url: mariadb.url(LOGIN[0], WRONG_SECRET) },
    says: /the server refused: 1045 Access denied for user 'countersign'/,
  }),
  'missing-right': () => ({
    settings: { url: mariadb.url('weak', 'of-weak') },
    says: /the server refused: \d+ .*/,
    checkSays:
      /role payments_write: it is not there, or the connector may not give it; run what connector setup prints/,
  }),
  'unknown-role': () => ({
    grant: { role: `no 'such' \`rôle\` "x" %` },
    says: /there is no role no 'such' `rôle` "x" %/,
    checkSays: /role no 'such' `rôle` "x" %: it is not there/,
  }),
};

livesOnTarget('mysql', MISFITS, () => ({
  kind: 'mysql',
  settings: { url: mariadb.url(...LOGIN) },
  account: 'jonas',
  grant: WRITE,
  address: `mysql://:of-jonas@127.0.0.1:${mariadb.port}`,
  command: `mariadb -h "$MYSQL_HOST" -P "$MYSQL_TCP_PORT" -u "$MYSQL_USER" -e 'SET ROLE payments_write; SELECT * FROM payments.payment' >&2`,
  works,
  proxy: mariadb.proxy,
  outage: { halt: () => mariadb.halt(), restart: () => mariadb.restart() },
  other: {
    account: 'mira@127.0.0.%',
    give: () => asideOf('GRANT payments_write TO'),
    holds: async () => (await mappings()).some(({ User }) => User === 'mira'),
    take: () => asideOf('REVOKE payments_write FROM'),
  },
}));
