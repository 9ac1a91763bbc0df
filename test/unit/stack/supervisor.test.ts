import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ChildSpec } from '../../../src/stack/child-process';
import { identify } from '../../../src/stack/process-identity';
import { Supervisor } from '../../../src/stack/supervisor';

const RUNS = 'setInterval(() => {}, 1000);';

describe('the supervisor', () => {
  let dir: string;
  let lines: string[];
  let starts: number;
  let supervisor: Supervisor;

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'countersign-supervisor-'));
    lines = [];
    starts = 0;
    supervisor = new Supervisor(
      (line) => lines.push(line),
      () => {
        starts += 1;
      },
    );
  });

  afterEach(async () => {
    await supervisor.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const spec = (name: string, script: string): ChildSpec => ({
    name,
    command: process.execPath,
    args: ['-e', script],
    env: { PATH: process.env['PATH'] },
    logFile: path.join(dir, `${name}.log`),
  });

  const logOf = (name: string): string => readFileSync(path.join(dir, `${name}.log`), 'utf8');

  async function until(holds: () => boolean): Promise<void> {
    const late = Date.now() + 10_000;
    while (!holds()) {
      if (Date.now() > late) throw new Error('it did not happen');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  it('starts a program again that was killed, and says so', async () => {
    await supervisor.run(spec('one', RUNS), 1_000);
    const first = supervisor.pids()['one'] ?? 0;
    process.kill(first, 'SIGKILL');
    await until(() => supervisor.pids()['one'] !== first);
    expect(identify(supervisor.pids()['one'] ?? 0)).toBeDefined();
    expect(lines).toEqual([expect.stringMatching(/^one: ended by SIGKILL; restarting it/)]);
    expect(starts).toBe(2);
  });

  it('waits longer each time for one that ends again and again', async () => {
    const since = Date.now();
    await supervisor.run(spec('one', 'console.log("tried"); process.exit(3)'), 1_000);
    await until(() => lines.length === 4);
    // 0.2 s, 0.4 s and 0.8 s lie between four ends.
    expect(Date.now() - since).toBeGreaterThanOrEqual(1_400);
    expect(lines[3]).toContain('one: exit code 3');
    expect(supervisor.troubleOf('one')).toMatch(/^one did not start: exit code 3 \| tried/);
  });

  it('hands down only the environment that is listed', async () => {
    process.env['COUNTERSIGN_TEST_SECRET'] = 'hush';
    try {
      await supervisor.run(spec('one', `console.log(JSON.stringify(process.env)); ${RUNS}`), 1_000);
      await until(() => logOf('one').includes('}'));
      expect(logOf('one')).not.toContain('hush');
    } finally {
      delete process.env['COUNTERSIGN_TEST_SECRET'];
    }
  });

  it('stops all in the reverse order, each before the next', async () => {
    const talks = (name: string): string =>
      `process.on('SIGTERM', () => { console.log(Date.now()); setTimeout(() => process.exit(0), 60); });
       console.log('up ${name}'); ${RUNS}`;
    for (const name of ['first', 'second', 'third']) await supervisor.run(spec(name, talks(name)), 2_000);
    await until(() => ['first', 'second', 'third'].every((name) => logOf(name).includes('up')));
    await supervisor.stop();
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      Number(logOf(name).split('\n')[1]),
    );
    expect((second ?? 0) - (third ?? 0)).toBeGreaterThanOrEqual(60);
    expect((first ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(60);
    expect(lines).toEqual([]);
  });

  it('kills what does not stop in time, with what it started', async () => {
    const stubborn = `process.on('SIGTERM', () => {});
      const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(RUNS)}]);
      console.log(child.pid); ${RUNS}`;
    await supervisor.run(spec('one', stubborn), 150);
    await until(() => logOf('one').includes('\n'));
    const pids = [supervisor.pids()['one'] ?? 0, Number(logOf('one'))];
    const since = Date.now();
    await supervisor.stop();
    expect(Date.now() - since).toBeLessThan(2_000);
    await until(() => pids.every((pid) => identify(pid) === undefined));
  });

  it('starts nothing any more once it stops', async () => {
    await supervisor.run(spec('one', 'process.exit(1)'), 1_000);
    await until(() => lines.length === 1);
    await supervisor.stop();
    const startsThen = starts;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(starts).toBe(startsThen);
    expect(supervisor.troubleOf('one')).toBe('stopped');
  });

  it('says what cannot be started at all', async () => {
    const missing = { ...spec('one', ''), command: path.join(dir, 'missing') };
    await expect(supervisor.run(missing, 100)).rejects.toThrow(/^one could not be started: .*ENOENT/);
  });
});
