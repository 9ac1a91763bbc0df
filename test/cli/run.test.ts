import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { Harness } from '../support/harness';
import { eventually, eventuallyTrue } from '../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const READ = ['--entitlement', 'warehouse:reporting#read', '--as', 'agent/atlas'];
const WRITE = ['--entitlement', 'warehouse:payments#write', '--as', 'ci/payments'];

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

interface Run {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  readonly exit: Promise<number | null>;
  /** The request's id, once it is asked for. */
  id(): Promise<string>;
  /** What the command prints, once it does. */
  prints(text: string): Promise<void>;
}

function countersignRun(options: readonly string[], command: readonly string[], duration = '5m'): Run {
  const { PATH = '', HOME = '' } = process.env;
  const target = new URL(harness.postgres.url);
  target.username = '';
  const args = ['run', ...options, '--for', duration, '--reason', 'a test', '--', ...command];
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH,
      HOME,
      NODE_PATH: path.resolve(__dirname, '../../node_modules'),
      PGSERVICE: 'elsewhere',
      TEMPORAL_ADDRESS: harness.server.address,
      COUNTERSIGN_STATE_DIR: harness.stateDir,
      COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: 'postgresql://connector:secret@127.0.0.1/postgres',
      COUNTERSIGN_TARGET_WAREHOUSE_URL: target.href,
    },
  });
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    exit: new Promise((resolve) => child.once('close', resolve)),
    id: () => eventually('an id', async () => /asked for .*: ([\w-]+)$/m.exec(err)?.[1]),
    prints: (text) => eventuallyTrue(`${text} in ${err}`, async () => out.includes(text)),
  };
}

/** A program that says what it holds, by the database's word, and then does something. */
const holding = (then: string) => [
  process.execPath,
  '-e',
  `const { Client } = require('pg'); const client = new Client();
   (async () => {
     await client.connect();
     const { rows } = await client.query(
       "SELECT current_user || ' ' || pg_has_role('reporting_read', 'MEMBER') AS said, pg_backend_pid() AS pid");
     console.log('holds', rows[0].said, 'backend', rows[0].pid, '.');
     ${then}
   })();`,
];
const FOR_EVER = 'setInterval(() => {}, 1_000);';

const holdsRead = () => harness.holds('atlas_agent', 'reporting_read');
const statusOf = async (run: Run) => (await harness.client.get(await run.id())).status;

describe('FRI-2 access for as long as a command runs', () => {
  afterEach(async () => {
    // Whatever a case did, the next one starts without access.
    expect(await holdsRead()).toBe(false);
  });

  test('the command has the access and its exit code is passed on; the access is gone after it', async () => {
    const run = countersignRun(READ, holding('process.exit(7);'));
    expect(await run.exit).toBe(7);
    expect(run.stdout()).toMatch(/^holds atlas_agent true backend \d+ \.\n$/);
    expect(run.stderr()).toContain('no access is left; the request is');
    expect(['revoked', 'closed']).toContain(await statusOf(run));
  }, 60_000);

  test('FRI-3 the command sees the grant and none of our settings', async () => {
    const run = countersignRun(READ, [process.execPath, '-p', 'JSON.stringify(process.env)']);
    expect(await run.exit).toBe(0);
    const env = JSON.parse(run.stdout()) as Record<string, string>;
    expect(env).toMatchObject({ PGUSER: 'atlas_agent', GRANT_ACCOUNT: 'atlas_agent', PGHOST: '127.0.0.1' });
    expect(env['GRANT_REQUEST']).toBe(await run.id());
    expect(Object.keys(env).filter((name) => /^COUNTERSIGN|^TEMPORAL|^PGSERVICE/.test(name))).toEqual([]);
    expect(run.stdout()).not.toContain('secret');
  }, 60_000);

  test('it crashes', async () => {
    const run = countersignRun(READ, holding("process.kill(process.pid, 'SIGSEGV');"));
    expect(await run.exit).toBe(139);
    expect(run.stdout()).toContain('holds atlas_agent true');
  }, 60_000);

  test('its connection is killed', async () => {
    const run = countersignRun(READ, holding(FOR_EVER));
    await run.prints('backend');
    const pid = Number(/backend (\d+)/.exec(run.stdout())?.[1]);
    await harness.postgres.query('SELECT pg_terminate_backend($1)', [pid]);
    expect(await run.exit).toBe(1);
  }, 60_000);

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s while it runs, in a child of a shell',
    async (signal, exitCode) => {
      const [program = '', ...args] = holding(FOR_EVER);
      const run = countersignRun(READ, ['sh', '-c', '"$@"; echo survived', 'sh', program, ...args]);
      await run.prints('backend');
      expect(await holdsRead()).toBe(true);
      run.child.kill(signal);
      expect(await run.exit).toBe(exitCode);
      expect(run.stdout()).not.toContain('survived');
    },
    60_000,
  );

  test('a command that hears nothing is ended', async () => {
    const run = countersignRun(READ, holding(`process.on('SIGTERM', () => {}); ${FOR_EVER}`));
    await run.prints('backend');
    run.child.kill('SIGTERM');
    expect(await run.exit).toBe(137);
  }, 60_000);

  test('the grant is taken back while it runs: it is told to end', async () => {
    // Its connection ends with the grant; this command goes on without, until it is told to end.
    const run = countersignRun(READ, holding(`process.on('uncaughtException', () => {}); ${FOR_EVER}`));
    await run.prints('backend');
    const { request } = await harness.client.submissionOf(await run.id());
    expect(await harness.cast.say('person/lena', 'revoke', request)).toBe('accepted');
    expect(await run.exit).toBe(143);
    expect(run.stderr()).toContain('the grant has ended');
  }, 60_000);

  test('the grant reaches its end while it runs: it is told to end', async () => {
    const run = countersignRun(READ, holding(FOR_EVER), '6s');
    await run.prints('holds atlas_agent true');
    expect(await run.exit).toBe(143);
  }, 60_000);

  test('this process itself is killed: its keeper gives the access back', async () => {
    const run = countersignRun(READ, holding('setTimeout(() => process.exit(), 15_000);'));
    await run.prints('backend');
    run.child.kill('SIGKILL');
    await eventuallyTrue('the access is gone', async () => !(await holdsRead()));
    expect(['revoked', 'closed']).toContain(await statusOf(run));
  }, 60_000);

  test('a command that is not there is 127', async () => {
    expect(await countersignRun(READ, ['no-such-program']).exit).toBe(127);
  }, 60_000);
});

describe('FRI-2 waiting is visible, and nothing is left behind', () => {
  test('it says who is awaited, since when and when it escalates; interrupted, the request is withdrawn', async () => {
    const run = countersignRun(WRITE, ['true']);
    await eventuallyTrue('a line', async () =>
      /needs 1, has 0, missing: person\/mira or person\/tomas \(owner\) since \S+Z; escalates at \S+Z; lapses at/.test(
        run.stderr(),
      ),
    );
    run.child.kill('SIGINT');
    expect(await run.exit).toBe(130);
    expect(await statusOf(run)).toBe('withdrawn');
  }, 60_000);

  test('approved by a lead, the command runs; denied, it does not', async () => {
    const said = ['sh', '-c', 'echo "ran as $PGUSER"'];
    for (const verb of ['approve', 'deny'] as const) {
      const run = countersignRun(WRITE, said);
      await eventuallyTrue('it waits', async () => run.stderr().includes('missing: person/mira'));
      const { request } = await harness.client.submissionOf(await run.id());
      await harness.cast.say('person/mira', verb, request, { stage: 'owner' });
      expect(await run.exit).toBe(verb === 'approve' ? 0 : 1);
      expect(run.stdout()).toBe(verb === 'approve' ? 'ran as payments_ci\n' : '');
      expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
    }
  }, 60_000);

  test('TGT-4 refused by the target for good, --json has the reason in the words of the target', async () => {
    await harness.postgres.query('DROP ROLE payments_ci');
    const run = countersignRun([...WRITE, '--json'], ['true']);
    await eventuallyTrue('it waits', async () => run.stderr().includes('missing: person/mira'));
    const { request } = await harness.client.submissionOf(await run.id());
    await harness.cast.say('person/mira', 'approve', request, { stage: 'owner' });
    expect(await run.exit).toBe(1);
    expect(JSON.parse(run.stdout())).toMatchObject({
      status: 'failed',
      failure: { code: 'TARGET_REFUSED', detail: expect.stringContaining('payments_ci') },
      error: { code: 'NOT_GRANTED' },
    });
    expect(run.stderr()).toMatch(/TARGET_REFUSED .*payments_ci/);
  }, 60_000);
});
