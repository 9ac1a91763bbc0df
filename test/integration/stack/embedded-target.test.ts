import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { startTargetProcess, type TargetProcess } from './target-process';

const READ = 'SELECT cents FROM reporting.daily_revenue';

describe('the embedded target', () => {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-target-'));
  const accounts = ['agent_reports', 'agent "odd"'];
  const open: Client[] = [];
  let target: TargetProcess;

  beforeAll(async () => {
    target = await startTargetProcess(stateDir, accounts);
  });

  afterEach(async () => {
    await Promise.all(open.splice(0).map((client) => client.end().catch(() => undefined)));
  });

  afterAll(async () => {
    await target?.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function login(account: string, at = target): Promise<Client> {
    const client = new Client({ connectionString: at.urlFor(account) });
    // The server ends some of these connections on purpose.
    client.on('error', () => undefined);
    await client.connect();
    open.push(client);
    return client;
  }

  it('knows who is logged in, on each of several connections', async () => {
    const clients = await Promise.all(['postgres', ...accounts].map((account) => login(account)));
    for (const _ of [1, 2]) {
      const users = await Promise.all(clients.map((client) => client.query('SELECT current_user AS name')));
      expect(users.map(({ rows }) => rows[0].name)).toEqual(['postgres', ...accounts]);
    }
  });

  it('refuses a login that it does not know', async () => {
    await expect(login('stranger')).rejects.toThrow('no such login');
    await expect(login('reporting_read')).rejects.toThrow('no such login');
  });

  it('lets an account do what its roles allow, for as long as it has them', async () => {
    const admin = await login('postgres');
    const agent = await login('agent_reports');
    await expect(agent.query(READ)).rejects.toThrow(/permission denied/);
    await admin.query('GRANT reporting_read TO agent_reports');
    expect((await agent.query(READ)).rowCount).toBe(1);
    await expect(agent.query('SELECT * FROM payments.payment')).rejects.toThrow(/permission denied/);
    await admin.query('REVOKE reporting_read FROM agent_reports');
    await expect(agent.query(READ)).rejects.toThrow(/permission denied/);
  });

  it('keeps the statements of clients apart', async () => {
    const clients = await Promise.all([login('postgres'), login('postgres'), login('agent_reports')]);
    const ask = async (client: Client, who: number): Promise<void> => {
      for (let n = 0; n < 50; n += 1) {
        const { rows } = await client.query(`SELECT $1::int AS answer_${who}`, [n]);
        expect(rows).toEqual([{ [`answer_${who}`]: n }]);
      }
    };
    await Promise.all(clients.map(ask));
  });

  it('lets no other client into a transaction, and rolls it back when its client is gone', async () => {
    const [one, other] = [await login('postgres'), await login('postgres')];
    await one.query('BEGIN');
    await one.query('INSERT INTO payments.payment VALUES (99, 1)');
    const seen = other.query('SELECT count(*)::int AS payments FROM payments.payment WHERE id = 99');
    await one.end();
    expect((await seen).rows).toEqual([{ payments: 0 }]);
  });

  it('goes on after a refused statement and after nonsense on the line', async () => {
    const client = await login('postgres');
    await expect(client.query('SELECT $1::int FROM nowhere', [1])).rejects.toThrow(/nowhere/);
    await expect(client.query('SELECT $1::int', ['no number'])).rejects.toThrow(/invalid input/);
    await new Promise<void>((resolve) => {
      const raw = connect(target.port, '127.0.0.1', () => raw.write(Buffer.alloc(64, 0xff)));
      raw.on('error', () => undefined);
      raw.on('close', () => resolve());
      raw.resume();
    });
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  it.each([
    ['stopped', () => target.stop(), 'exit code 0'],
    ['killed', () => target.kill(), 'ended by SIGKILL'],
  ])('still has roles and memberships after it was %s', async (how, end, ending) => {
    const role = how === 'killed' ? 'production_admin' : 'production_write';
    const admin = await login('postgres');
    await admin.query(`GRANT ${role} TO agent_reports`);
    expect(await end()).toBe(ending);
    target = await startTargetProcess(stateDir, accounts);
    const agent = await login('agent_reports');
    const { rows } = await agent.query("SELECT pg_has_role('agent_reports', $1, 'member') AS held", [role]);
    expect(rows).toEqual([{ held: true }]);
    await expect(agent.query(READ)).rejects.toThrow(/permission denied/);
  });
});
