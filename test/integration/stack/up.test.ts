import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../src/stack/free-port';
import { identify } from '../../../src/stack/process-identity';
import { eventuallyTrue } from '../../support/harness-wait';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

interface Running {
  readonly child: ChildProcess;
  readonly ready: string;
  readonly said: () => string;
  readonly printed: () => string;
}

/** `countersign up`, as a user starts it: the built program, over real processes. */
describe('countersign up', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'countersign-up-'));
  const stateDir = path.join(root, '.countersign');
  let ports: readonly string[];
  let running: Running | undefined;

  beforeAll(async () => {
    ports = [
      ...['--temporal-port', String(await freePort()), '--ui-port', String(await freePort())],
      ...['--http-port', String(await freePort())],
    ];
  });

  afterAll(async () => {
    running?.child.kill('SIGTERM');
    if (running?.child.exitCode === null) await once(running.child, 'exit');
    rmSync(root, { recursive: true, force: true });
  });

  const launch = (): ChildProcess =>
    spawn(process.execPath, [COMMAND, 'up', '--state-dir', stateDir, ...ports], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  async function up(): Promise<Running> {
    const child = launch();
    let out = '';
    let err = '';
    child.stderr?.on('data', (chunk) => {
      err += chunk;
    });
    const ready = await new Promise<string>((resolve, reject) => {
      child.stdout?.on('data', (chunk) => {
        out += chunk;
        const line = out.split('\n').find((text) => text.startsWith('ready '));
        if (line !== undefined) resolve(line);
      });
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${err}`)));
    });
    return { child, ready, said: () => err, printed: () => out };
  }

  const pidsOf = (): Readonly<Record<string, { pid: number }>> =>
    JSON.parse(readFileSync(path.join(stateDir, 'stack.json'), 'utf8')).processes;

  const alive = (): readonly string[] =>
    Object.entries(pidsOf()).flatMap(([name, { pid }]) => (identify(pid) ? [name] : []));

  it('prints one line with its addresses, and keeps its folder to itself', async () => {
    running = await up();
    expect(running.ready).toMatch(
      /^ready temporal=127\.0\.0\.1:\d+ ui=http:\S+ target=postgres:\S+ gateway=http:\S+ pages=http:\/\/localhost:\d+ state=\S+/,
    );
    expect(alive()).toEqual(['countersign', 'temporal', 'target', 'worker', 'gateway']);
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(stateDir, 'keys', 'person-mira.jwk')).mode & 0o777).toBe(0o600);
  });

  it('WEB-3 prints a link for each person who approves, with which they register a passkey', async () => {
    const linkOf = (person: string) =>
      new RegExp(`^enrol person/${person} (http://localhost:\\d+)/enrol#([\\w-]+)$`, 'm').exec(
        running?.printed() ?? '',
      );
    await eventuallyTrue('the last link is printed', async () => linkOf('tomas') !== null);
    for (const person of ['aiko', 'david', 'marcus', 'mira', 'sofia', 'tomas'])
      expect([person, linkOf(person) !== null]).toEqual([person, true]);
    // Governors never approve, so nobody offers them a link in passing.
    for (const person of ['nadia', 'viktor', 'jonas'])
      expect([person, linkOf(person)]).toEqual([person, null]);
    const [, origin = '', fragment = ''] = linkOf('mira') ?? [];
    const { invitation } = JSON.parse(Buffer.from(fragment, 'base64url').toString());
    const answer = await fetch(`${origin}/v1/keys/invitation`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ invitation }),
    });
    expect(await answer.json()).toMatchObject({ person: 'person/mira', invitedBy: 'person/nadia' });
  });

  it('is found by other commands in its folder and below, with no address set', () => {
    const below = path.join(root, 'somewhere', 'below');
    mkdirSync(below, { recursive: true });
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, XDG_CONFIG_HOME: root };
    const countersign = (...args: readonly string[]) =>
      spawnSync(process.execPath, [COMMAND, ...args], { cwd: below, encoding: 'utf8', env });
    const ask = [
      '--entitlement',
      'warehouse:payments#write',
      '--for',
      '5m',
      '--reason',
      'try',
      '--as',
      'ci/payments',
    ];
    const { stdout: id, stderr } = countersign('request', 'submit', ...ask);
    expect([id, stderr]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}\n$/), '']);
    const shown = countersign('request', 'show', id.trim().slice(0, 18), '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ id: id.trim() });
    const [line = ''] = countersign('doctor')
      .stdout.split('\n')
      .filter((text) => text.includes('Temporal server'));
    expect(line).toMatch(/^ok .*127\.0\.0\.1:\d+ \(the stack that runs in .*\.countersign\)/);
    const run = ['run', '--entitlement', 'warehouse:reporting#read', '--for', '5m', '--reason', 'try'];
    const printed = countersign(...run, '--as', 'agent/atlas', '--', 'printenv', 'PGUSER', 'PGPORT');
    expect(printed.stdout).toMatch(/^atlas_agent\n\d+\n$/);
  });

  it('refuses a folder that is in use, in one line that names the process', async () => {
    const second = launch();
    let said = '';
    second.stderr?.on('data', (chunk) => {
      said += chunk;
    });
    const [code] = await once(second, 'close');
    expect(code).toBe(1);
    expect(said).toMatch(new RegExp(`^countersign: .* in use by process ${running?.child.pid};.*\\n$`));
  });

  it('cleans up after a run that was killed, and goes on', async () => {
    running?.child.kill('SIGKILL');
    const left = alive();
    expect(left).toEqual(expect.arrayContaining(['temporal', 'target', 'worker']));
    running = await up();
    for (const name of ['temporal', 'target', 'worker', 'gateway'])
      expect(running.said()).toContain(`stopping ${name} `);
    expect(alive()).toEqual(['countersign', 'temporal', 'target', 'worker', 'gateway']);
  });

  it('stops in an orderly way, with everything that it started', async () => {
    const pids = Object.values(pidsOf()).map(({ pid }) => pid);
    running?.child.kill('SIGTERM');
    const [code] = running ? await once(running.child, 'exit') : [];
    expect(code).toBe(0);
    expect(pids.filter((pid) => identify(pid) !== undefined)).toEqual([]);
    expect(existsSync(path.join(stateDir, 'lock'))).toBe(false);
    expect(existsSync(path.join(stateDir, 'stack.json'))).toBe(false);
  });
});
