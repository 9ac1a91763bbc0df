import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { describeFinding } from '../../../src/audit/evidence/recorded-findings';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { authorise } from '../../support/authorisation';
import { startTargetProcess, type TargetProcess } from '../stack/target-process';

/** From PostgreSQL 16 on a membership is kept for each grantor. The embedded target is a newer one. */
const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-grantors-'));
let target: TargetProcess;
let admin: Client;
const made: PostgresqlConnector[] = [];
beforeAll(async () => {
  target = await startTargetProcess(stateDir, ['agent', 'helper', 'dba', 'lesser']);
  admin = new Client({ connectionString: target.urlFor('postgres') });
  await admin.connect();
}, 60_000);
afterAll(async () => {
  await Promise.all([...made.map((one) => one.close()), admin?.end()]);
  await target?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

function connectorAs(account: string): PostgresqlConnector {
  const connector = new PostgresqlConnector({ url: target.urlFor(account) });
  made.push(connector);
  return connector;
}

const holds = async (account: string, role: string) =>
  (await admin.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role])).rows[0].held;

describe('APB-6 the same access, granted by others beside a lease', () => {
  test('the server keeps a membership for each grantor', async () => {
    expect(Number((await admin.query('SHOW server_version_num')).rows[0].server_version_num)).toBeGreaterThan(
      160_000,
    );
  });

  test('goes with the last lease, and so does what the account passed on, if the connector may revoke it', async () => {
    const connector = connectorAs('postgres');
    await admin.query('GRANT production_write TO dba WITH ADMIN OPTION');
    await connector.provision(
      await authorise({ id: 'granted-0001', account: 'agent', role: 'production_write' }),
    );
    await admin.query('SET ROLE dba; GRANT production_write TO agent WITH ADMIN OPTION; SET ROLE agent');
    await admin.query('GRANT production_write TO helper; RESET ROLE');
    expect(await connector.revoke('granted-0001', 'revoked')).toMatchObject({ accessRemoved: true });
    expect([await holds('agent', 'production_write'), await holds('helper', 'production_write')]).toEqual([
      false,
      false,
    ]);
    expect(await holds('dba', 'production_write')).toBe(true);
    // Evidence and `request show` say who lost what (TGT-4).
    const found = await connector.findings.read('granted-0001');
    expect(found).toMatchObject([
      {
        ...{
          kind: 'also-ended',
          leaseId: 'granted-0001',
          account: 'agent',
          grant: 'production_write',
          times: 1,
        },
        what: 'agent in production_write WITH ADMIN OPTION, granted by dba; helper in production_write, granted by agent',
      },
    ]);
    expect(found.map(describeFinding)).toEqual([
      expect.stringMatching(
        /also took away what others had given beside this lease: agent in production_write/,
      ),
    ]);
    await connector.provision(
      await authorise({ id: 'granted-0003', account: 'agent', role: 'production_write' }),
    );
    await connector.revoke('granted-0003', 'expired');
    expect(await connector.findings.read('granted-0003')).toEqual([]);
  });

  test('stays if the connector may not revoke it: the lease ends, nobody claims the access is gone, and it is drift', async () => {
    await admin.query(`DROP SCHEMA countersign CASCADE; GRANT CREATE ON DATABASE postgres TO lesser;
      GRANT production_admin TO lesser WITH ADMIN OPTION, INHERIT FALSE`);
    const connector = connectorAs('lesser');
    const options = { id: 'granted-0002', account: 'agent', role: 'production_admin' };
    expect(await connector.provision(await authorise(options))).toMatchObject({ outcome: 'granted' });
    await admin.query('GRANT production_admin TO agent');
    expect(await connector.revoke('granted-0002', 'revoked')).toMatchObject({ accessRemoved: false });
    expect(await holds('agent', 'production_admin')).toBe(true);
    const { leases, drift } = await connector.list();
    expect(leases).toMatchObject([{ id: 'granted-0002', ended: { reason: 'revoked' }, present: false }]);
    expect(drift).toContainEqual({ account: 'agent', grant: 'production_admin' });
    // It is still there, so nothing was lost.
    expect(await connector.findings.read('granted-0002')).toEqual([]);
  });
});
