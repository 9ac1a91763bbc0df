import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { UpStack } from '../integration/gateway/support/up-stack';
import { eventually, eventuallyTrue } from '../support/harness-wait';
import { type JobTokens, serveJobTokens } from './support/job-tokens';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const READ = ['--entitlement', 'warehouse:reporting#read'];
const WRITE = ['--entitlement', 'warehouse:payments#write'];

let stack: UpStack;
let job: JobTokens;
let tokenFile: string;

beforeAll(async () => {
  stack = await UpStack.start();
  job = await serveJobTokens(stack);
  tokenFile = path.join(stack.stateDir, 'atlas.token');
  writeFileSync(tokenFile, await stack.issuer.token('atlas'), { mode: 0o600 });
}, 180_000);
afterAll(async () => {
  job?.close();
  await stack?.stop();
});

interface Run {
  readonly child: ChildProcess;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
}

/** The command of a job: it knows the gateway's address, and neither a key nor where Temporal is. */
function run(options: readonly string[], command: readonly string[], env: Record<string, string> = {}): Run {
  const { PATH = '', HOME = '' } = process.env;
  const args = [
    'run',
    ...options,
    '--gateway',
    stack.url,
    '--for',
    '5m',
    '--reason',
    'a test',
    '--',
    ...command,
  ];
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, TEMPORAL_ADDRESS: '127.0.0.1:1', ...env },
  });
  const said = { out: '', err: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { child, said, exit: new Promise((resolve) => child.once('close', resolve)) };
}

const jobEnv = () => job.env;
const holds = async (account: string, role: string): Promise<boolean> => {
  const [row] = await stack.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
  return row?.['held'] === true;
};
const holdsRead = () => holds('atlas_agent', 'reporting_read');
const FOR_EVER = [process.execPath, '-e', "console.log('runs'); setInterval(() => {}, 1_000)"];
const idOf = ({ said }: Run) =>
  eventually('an id', async () => /asked for .*: ([\w-]+)$/m.exec(said.err)?.[1]);
const reading = () => run([...READ, '--token-file', tokenFile], FOR_EVER);

describe('FRI-2 a job gets access as itself, by its own token, with no way to Temporal', () => {
  afterEach(async () => {
    expect(await holdsRead()).toBe(false);
    expect(await holds('payments_ci', 'production_write')).toBe(false);
  });

  test('it waits for people, runs the command with the access, passes its exit code on, and gives it back', async () => {
    const one = run(WRITE, ['sh', '-c', 'echo "as $GRANT_ACCOUNT"; exit 7'], jobEnv());
    const id = await idOf(one);
    await eventuallyTrue('it says so', async () =>
      /needs 1, has 0, missing: person\/mira or person\/tomas/.test(one.said.err),
    );
    expect((await stack.sign('person/mira', id, 'approve')).json).toMatchObject({ accepted: true });
    expect(await one.exit).toBe(7);
    expect(one.said.out).toBe('as payments_ci\n');
    expect(one.said.err).toContain('no access is left');
    const { json } = await stack.as('person/mira', `/v1/requests/${id}`);
    expect(json.request).toMatchObject({ requester: 'ci/payments', beneficiary: 'ci/payments' });
  }, 60_000);

  test('cancelled while it waits, the request is withdrawn', async () => {
    const one = run(WRITE, ['true'], jobEnv());
    const id = await idOf(one);
    await eventuallyTrue('it waits', async () => one.said.err.includes('missing: person/mira'));
    one.child.kill('SIGINT');
    expect(await one.exit).toBe(130);
    expect((await stack.as('person/mira', `/v1/requests/${id}`)).json.status).toBe('withdrawn');
  }, 60_000);

  test('Ctrl-C while the command runs: the access is gone', async () => {
    const one = reading();
    await eventuallyTrue('it runs', async () => one.said.out.includes('runs'));
    expect(await holdsRead()).toBe(true);
    one.child.kill('SIGINT');
    expect(await one.exit).toBe(130);
  }, 60_000);

  test('killed outright, its keeper gives the access back', async () => {
    const one = reading();
    await eventuallyTrue('it runs', async () => one.said.out.includes('runs'));
    const group = Number((await eventually('children', async () => one.child.pid)) ?? 0);
    process.kill(group, 'SIGKILL');
    await eventuallyTrue('the access is gone', async () => !(await holdsRead()));
  }, 60_000);

  test('without a token, or with somebody else’s name, it is wrong usage in one line', async () => {
    for (const options of [READ, [...READ, '--token-file', tokenFile, '--as', 'ci/payments']]) {
      const one = run(options, ['true']);
      expect(await one.exit).toBe(2);
      expect(one.said.err.trim().split('\n')).toHaveLength(1);
    }
    const refused = run(WRITE, ['true'], { ...jobEnv(), ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'another' });
    expect(await refused.exit).toBe(1);
    expect(refused.said.err).toContain('id-token: write');
  }, 60_000);
});
