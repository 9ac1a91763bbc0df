import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres } from '../../support/postgres';

let postgres: TestPostgres;
let connector: PostgresqlConnector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`CREATE ROLE payments_write; CREATE ROLE billing_read; CREATE ROLE closed_read;
    CREATE ROLE connects; GRANT CONNECT ON DATABASE postgres TO connects;
    REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
    CREATE ROLE fit LOGIN IN ROLE connects; CREATE ROLE heirless LOGIN NOINHERIT; GRANT CONNECT ON DATABASE postgres TO heirless;
    CREATE ROLE voiceless IN ROLE connects; CREATE ROLE roomless LOGIN CONNECTION LIMIT 0 IN ROLE connects;
    CREATE ROLE expired LOGIN VALID UNTIL '2020-01-01' IN ROLE connects; CREATE ROLE outside LOGIN;
    GRANT CONNECT ON DATABASE postgres TO billing_read`);
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

let requests = 0;
async function give(account: string, role = 'payments_write') {
  requests += 1;
  const id = `usable-${String(requests).padStart(4, '0')}`;
  return { id, result: await connector.provision(await authorise({ id, account, role })) };
}

const members = async (role: string) =>
  (
    await postgres.query(
      'SELECT a.rolname FROM pg_auth_members m JOIN pg_roles a ON a.oid = m.member WHERE m.roleid = $1::regrole ORDER BY 1',
      [role],
    )
  ).map(({ rolname }) => rolname);

describe('TGT-4 access that would not work is refused before it is called granted', () => {
  test.each([
    ['heirless', /rights of payments_write \(NOINHERIT\); ALTER ROLE "heirless" INHERIT/],
    ['voiceless', /cannot log in \(NOLOGIN\)/],
    ['roomless', /CONNECTION LIMIT 0/],
    ['expired', /valid until 2020-01-01/],
    ['outside', /may not connect to the database postgres; GRANT CONNECT/],
  ])('the account %s', async (account, detail) => {
    const { id, result } = await give(account);
    expect(result).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'TARGET_REFUSED', detail: expect.stringMatching(detail) },
    });
    expect(await members('payments_write')).toEqual([]);
    expect((await connector.list()).leases.filter((lease) => lease.id === id)).toEqual([]);
  });

  test('an account that can use it is granted, also if only the role lets it connect', async () => {
    for (const [account, role] of [
      ['fit', 'payments_write'],
      ['outside', 'billing_read'],
    ] as const) {
      const { id, result } = await give(account, role);
      expect(result.outcome).toBe('granted');
      await connector.revoke(id, 'revoked');
    }
  });

  test('once the account was mended, it is granted', async () => {
    await postgres.query('ALTER ROLE heirless INHERIT');
    const { id, result } = await give('heirless');
    expect(result.outcome).toBe('granted');
    await connector.revoke(id, 'revoked');
  });
});

describe('EMG-2 the end of a lease takes away what the lease gave, and nothing that stood before', () => {
  test('a membership given by hand before: the grant is refused with the name of its grantor, and it stays', async () => {
    await postgres.query('GRANT closed_read TO fit');
    const { id, result } = await give('fit', 'closed_read');
    expect(result).toMatchObject({
      refusal: {
        code: 'TARGET_REFUSED',
        detail: expect.stringMatching(/fit already holds closed_read without a lease, granted by postgres/),
      },
    });
    await connector.revoke(id, 'barred');
    expect(await members('closed_read')).toEqual(['fit']);
    await postgres.query('REVOKE closed_read FROM fit');
    expect((await give('fit', 'closed_read')).result.outcome).toBe('granted');
    expect((await give('fit', 'closed_read')).result.outcome).toBe('granted');
  });
});

describe('TGT-4 what somebody gave by hand during the lease and what goes with it is in the findings', () => {
  const endedAfter = async (statement: string) => {
    const { id, result } = await give('fit', 'billing_read');
    expect(result.outcome).toBe('granted');
    await postgres.query(statement);
    await connector.revoke(id, 'expired');
    expect(await members('billing_read')).toEqual([]);
    return connector.findings.read(id);
  };

  test('a membership with the right to pass it on, which leaves a trace, with who gave it', async () => {
    await postgres.query('CREATE ROLE dba SUPERUSER');
    expect(await endedAfter('SET ROLE dba; GRANT billing_read TO fit WITH ADMIN OPTION')).toMatchObject([
      { kind: 'also-ended', what: 'fit in billing_read WITH ADMIN OPTION, granted by dba' },
    ]);
  });

  test('PostgreSQL 15 writes nothing of a plain GRANT of what is held already, so nothing can be said of it', async () => {
    expect(await endedAfter('GRANT billing_read TO fit')).toEqual([]);
  });
});

/** A connector with a login of its own, which may grant these roles and owns its schema. */
async function connectorAs(login: string, ...roles: readonly string[]): Promise<PostgresqlConnector> {
  await postgres.query(`CREATE ROLE ${login} LOGIN IN ROLE connects; DROP SCHEMA IF EXISTS countersign CASCADE;
    ${roles.map((role) => `CREATE ROLE ${role}; GRANT ${role} TO ${login} WITH ADMIN OPTION;`).join(' ')}
    CREATE SCHEMA countersign AUTHORIZATION ${login}`);
  const url = new URL(postgres.url);
  url.username = login;
  return new PostgresqlConnector({ url: url.href });
}

describe('EMG-2, FRI-8 what was renamed during a lease', () => {
  const WHICH = [
    ['renamed-0001', 'ledger_read'],
    ['renamed-0002', 'audit_read'],
  ] as const;
  let own: PostgresqlConnector;
  beforeAll(async () => {
    own = await connectorAs('granter', 'ledger_read', 'audit_read');
    await postgres.query('CREATE ROLE early LOGIN IN ROLE connects');
  });
  afterAll(() => own.close());
  const lend = async (id: string, account: string, role: string) =>
    expect(await own.provision(await authorise({ id, account, role }))).toMatchObject({ outcome: 'granted' });

  test('is no drift, is told with its name of now, and ends with the lease, once', async () => {
    for (const [id, role] of WHICH) await lend(id, 'early', role);
    await postgres.query('ALTER ROLE audit_read RENAME TO audit_read_2; ALTER ROLE early RENAME TO late');
    const during = await own.list('alive');
    expect(during.drift).toEqual([]);
    expect(during.leases).toMatchObject([
      { present: true, account: 'early', calledNow: { account: 'late', grant: 'ledger_read' } },
      { present: true, account: 'early', calledNow: { account: 'late', grant: 'audit_read_2' } },
    ]);
    for (const [id] of WHICH) expect(await own.revoke(id, 'expired')).toMatchObject({ accessRemoved: true });
    expect([...(await members('audit_read_2')), ...(await members('ledger_read'))]).not.toContain('late');
    const { leases, drift } = await own.list();
    expect([leases.filter(({ ended }) => ended === undefined), drift]).toEqual([[], []]);
  });

  test('a namesake that was made since keeps what somebody gave it', async () => {
    await postgres.query('CREATE ROLE double LOGIN IN ROLE connects');
    await lend('renamed-0003', 'double', 'ledger_read');
    await postgres.query(`ALTER ROLE double RENAME TO former; CREATE ROLE double LOGIN IN ROLE connects;
      GRANT ledger_read TO double`);
    expect((await own.list('alive')).drift).toEqual([{ account: 'double', grant: 'ledger_read' }]);
    await own.revoke('renamed-0003', 'expired');
    expect(await members('ledger_read')).toEqual(['double', 'granter']);
    await postgres.query('REVOKE ledger_read FROM double');
  });

  test('a lease of the former name covers access under the new one, until the last of them ends', async () => {
    await postgres.query('CREATE ROLE first_name LOGIN IN ROLE connects');
    await lend('renamed-0004', 'first_name', 'ledger_read');
    await postgres.query('ALTER ROLE first_name RENAME TO second_name');
    await lend('renamed-0005', 'second_name', 'ledger_read');
    await own.revoke('renamed-0004', 'expired');
    expect(await members('ledger_read')).toContain('second_name');
    await own.revoke('renamed-0005', 'expired');
    expect(await members('ledger_read')).not.toContain('second_name');
  });

  test('a role that was dropped ends its lease; one that was made again under its name is another', async () => {
    await postgres.query('CREATE ROLE brief_read; GRANT brief_read TO granter WITH ADMIN OPTION');
    await lend('renamed-0006', 'late', 'brief_read');
    await postgres.query('DROP ROLE brief_read');
    expect((await own.list('alive')).leases).toMatchObject([{ id: 'renamed-0006', present: false }]);
    await postgres.query(`CREATE ROLE brief_read; GRANT brief_read TO granter WITH ADMIN OPTION;
      GRANT brief_read TO late`);
    expect(await own.revoke('renamed-0006', 'expired')).toMatchObject({ accessRemoved: true });
    expect(await members('brief_read')).toContain('late');
    expect((await own.list('alive')).leases).toEqual([]);
  });

  test('a lease of an earlier version, which knows names alone, ends by its names', async () => {
    await lend('renamed-0007', 'late', 'ledger_read');
    await postgres.query('UPDATE countersign.lease SET account_oid = NULL, role_oid = NULL');
    expect((await own.list('alive')).drift).not.toContainEqual({ account: 'late', grant: 'ledger_read' });
    expect((await own.list('alive')).leases).toMatchObject([{ id: 'renamed-0007', present: true }]);
    expect(await own.revoke('renamed-0007', 'expired')).toMatchObject({ accessRemoved: true });
    expect(await members('ledger_read')).not.toContain('late');
  });
});

describe('FRI-8 what the connector needs for itself is no drift', () => {
  test('its own membership WITH ADMIN OPTION is not listed, and one of somebody else is', async () => {
    await postgres.query(`CREATE ROLE keeper LOGIN IN ROLE connects; GRANT payments_write TO keeper WITH ADMIN OPTION;
      GRANT payments_write TO expired; DROP SCHEMA countersign CASCADE; CREATE SCHEMA countersign AUTHORIZATION keeper;
      GRANT CREATE ON DATABASE postgres TO keeper`);
    const url = new URL(postgres.url);
    url.username = 'keeper';
    const own = new PostgresqlConnector({ url: url.href });
    try {
      const { drift } = await own.list('alive', [{ role: 'payments_write' }]);
      expect(drift).toEqual([{ account: 'expired', grant: 'payments_write' }]);
    } finally {
      await own.close();
    }
  });
});
