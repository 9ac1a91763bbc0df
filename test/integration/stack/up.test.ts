import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../src/stack/free-port';
import { identify } from '../../../src/stack/process-identity';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');

interface Running {
  readonly child: ChildProcess;
  readonly ready: string;
  readonly said: () => string;
}

/** `countersign up`, as a user starts it: the built program, over real processes. */
describe('countersign up', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'countersign-up-'));
  const stateDir = path.join(root, 'state');
  let ports: readonly string[];
  let running: Running | undefined;

  beforeAll(async () => {
    ports = ['--temporal-port', String(await freePort()), '--ui-port', String(await freePort())];
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
    return { child, ready, said: () => err };
  }

  const pidsOf = (): Readonly<Record<string, { pid: number }>> =>
    JSON.parse(readFileSync(path.join(stateDir, 'stack.json'), 'utf8')).processes;

  const alive = (): readonly string[] =>
    Object.entries(pidsOf()).flatMap(([name, { pid }]) => (identify(pid) ? [name] : []));

  it('prints one line with its addresses, and keeps its folder to itself', async () => {
    running = await up();
    expect(running.ready).toMatch(
      /^ready temporal=127\.0\.0\.1:\d+ ui=http:\S+ target=postgres:\S+ state=\S+/,
    );
    expect(alive()).toEqual(['countersign', 'temporal', 'target', 'worker']);
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(stateDir, 'keys', 'person-mira.jwk')).mode & 0o777).toBe(0o600);
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
    for (const name of ['temporal', 'target', 'worker']) expect(running.said()).toContain(`ending ${name} `);
    expect(alive()).toEqual(['countersign', 'temporal', 'target', 'worker']);
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
