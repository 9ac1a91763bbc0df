import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../../src/stack/free-port';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

/**
 * From an empty folder to a grant of one's own, by what `init` printed and nothing else. Each line is run as it is printed, in a
 * shell, but for three things: ports (other tests use the usual ones), `--yes` where a person would answer y, and the id.
 */
describe('DIR-5 from an empty folder to an own grant', () => {
  const home = mkdtempSync(path.join(tmpdir(), 'countersign-first-'));
  const folder = path.join(home, 'access');
  let warehouse: TestPostgres;
  let ports: string;
  let up: ChildProcess | undefined;
  let printed: readonly string[];
  const began = performance.now();
  const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`;

  beforeAll(async () => {
    warehouse = await startPostgres();
    // What the company has: a role, an account, a table.
    await warehouse.query('CREATE ROLE payments_write');
    await warehouse.query('CREATE ROLE payments_ci LOGIN');
    await warehouse.query('CREATE TABLE payment (id int)');
    await warehouse.query('GRANT SELECT, INSERT ON payment TO payments_write');
    const [temporal, ui, http] = [await freePort(), await freePort(), await freePort()];
    ports = `--temporal-port ${temporal} --ui-port ${ui} --http-port ${http}`;
  });

  afterAll(async () => {
    await stopUp();
    warehouse?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  const program = `${JSON.stringify(process.execPath)} ${JSON.stringify(COMMAND)}`;
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    // Where the tests have the Temporal CLI.
    XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? path.join(process.env['HOME'] ?? '', '.cache'),
  };

  /** Runs lines in a shell that has `countersign`, as an installed package gives it. Returns what they print. */
  const run = (lines: string, cwd = folder): Promise<string> =>
    new Promise((resolve, reject) => {
      const script = `countersign() { ${program} "$@"; }\n${lines}`;
      execFile('bash', ['-c', script], { cwd, env }, (error, out, err) => {
        if (error === null) resolve(out);
        else reject(new Error(`${lines}: ${out}${err}`));
      });
    });

  /** Starts `up` as printed. Returns its line `ready`. */
  async function startUp(lines: string): Promise<string> {
    const script = lines.replace(/--http-port \d+/, ports).replace('countersign up', `exec ${program} up`);
    const child = spawn('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    up = child;
    let out = '';
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    return new Promise((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        out += chunk;
        const ready = out.split('\n').find((one) => one.startsWith('ready '));
        if (ready !== undefined) resolve(ready);
      });
      child.once('exit', (code) => reject(new Error(`up ended with ${code}: ${err}`)));
    });
  }

  async function stopUp(): Promise<void> {
    if (up === undefined || up.exitCode !== null) return;
    up.kill('SIGTERM');
    await once(up, 'exit');
  }

  /** The command among the printed ones that begins like this. */
  const printedLine = (beginning: string): string => {
    const found = printed.find((line) => line.startsWith(`    ${beginning}`));
    if (found === undefined) throw new Error(`init did not print ${beginning}`);
    return found.trim();
  };

  const show = (id: string): Promise<string> =>
    run(printedLine('countersign request show').replace('ID', id));

  /** Asks and approves as printed. Returns the id of the request, which is then active. */
  async function askAndApprove(): Promise<string> {
    const id = (await run(printedLine('countersign request submit'))).trim();
    const says = (what: string) => async () => (await show(id)).includes(what);
    await eventuallyTrue('it waits for approval', says('awaiting_approval'), 60_000);
    await run(`${printedLine('countersign approve').replace('ID', id)} --yes`);
    await eventuallyTrue('it is granted', says('granted to payments_ci until'), 60_000);
    return id;
  }

  /** Whether the account can write to a database now. */
  async function mayWrite(url: string): Promise<boolean> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      await client.query('INSERT INTO payment VALUES (1)');
      return true;
    } catch (error) {
      if (error instanceof Error && error.message.includes('permission denied')) return false;
      throw error;
    } finally {
      await client.end();
    }
  }

  it('init writes it, checks it, and prints what to type', async () => {
    const said = await run(
      'countersign init access --yes --company Example --governor nadia,viktor --team payments --approver mira,tomas --workload ci/payments --owner ines --kind postgresql --connector warehouse --grant role=payments_write --account payments_ci --max-duration 1m',
      home,
    );
    printed = said.split('\n');
    expect(said).toContain('the bundle is good');
    expect(printedLine('cd ')).toBe('cd access');
  });

  it('the printed commands lead to a grant on the embedded database, which ends by itself', async () => {
    const ready = await startUp(printedLine('countersign up'));
    const [, target = ''] = /target=(\S+)/.exec(ready) ?? [];
    const admin = new Client({ connectionString: target });
    await admin.connect();
    await admin.query(
      'CREATE TABLE IF NOT EXISTS payment (id int); GRANT INSERT ON payment TO payments_write',
    );
    await admin.end();
    const asAccount = target.replace('postgres@', 'payments_ci@');
    expect(await mayWrite(asAccount)).toBe(false);
    const id = await askAndApprove();
    expect(await mayWrite(asAccount)).toBe(true);
    process.stderr.write(
      `from an empty folder to a grant on the embedded database: ${seconds(began)} (load ${loadavg()[0]?.toFixed(1)})\n`,
    );
    await eventuallyTrue('the grant has ended by itself', async () => !(await mayWrite(asAccount)), 150_000);
    await eventuallyTrue('the request is over', async () => /closed|expired/.test(await show(id)), 60_000);
    await stopUp();
  }, 300_000);

  it('and then to one on the own PostgreSQL, after its administrator ran what was written for them', async () => {
    const since = performance.now();
    await warehouse.query(readFileSync(path.join(folder, 'setup/warehouse.txt'), 'utf8'));
    const settings = path.join(folder, 'countersign.env');
    const address = warehouse.url.replace('postgres@', 'countersign_warehouse@');
    writeFileSync(
      settings,
      readFileSync(settings, 'utf8').replace(
        '#COUNTERSIGN_CONNECTOR_WAREHOUSE_URL=',
        `COUNTERSIGN_CONNECTOR_WAREHOUSE_URL='${address}'`,
      ),
    );
    const source = printedLine('set -a');
    const checked = await run(`${source}\n${printedLine('countersign connector check')}`);
    expect(checked).not.toContain('FAIL');
    await startUp(`${source}\n${printedLine('countersign up')}`);
    const asAccount = warehouse.url.replace('postgres@', 'payments_ci@');
    expect(await mayWrite(asAccount)).toBe(false);
    await askAndApprove();
    expect(await mayWrite(asAccount)).toBe(true);
    process.stderr.write(
      `then to a grant on the own PostgreSQL: ${seconds(since)} (load ${loadavg()[0]?.toFixed(1)})\n`,
    );
    await eventuallyTrue('the grant has ended by itself', async () => !(await mayWrite(asAccount)), 150_000);
  }, 300_000);

  it('all of it takes less than fifteen minutes', () => {
    process.stderr.write(`all of it: ${seconds(began)}\n`);
    expect(performance.now() - began).toBeLessThan(15 * 60_000);
  });
});
