import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tryPidLock, withPidLock } from '../../../src/stack/pid-lock';
import { identify, stillRuns } from '../../../src/stack/process-identity';

describe('the lock of a process', () => {
  let dir: string;
  let file: string;
  let other: ChildProcess | undefined;

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'countersign-lock-'));
    file = path.join(dir, 'lock');
  });

  afterEach(() => {
    other?.kill('SIGKILL');
    other = undefined;
    rmSync(dir, { recursive: true, force: true });
  });

  /** A real process that runs until it is killed. */
  async function anotherProcess(): Promise<{ pid: number; end: () => Promise<void> }> {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    other = child;
    await once(child, 'spawn');
    const end = async (): Promise<void> => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    };
    return { pid: child.pid ?? 0, end };
  }

  it('is held once, and free again after its release', () => {
    const first = tryPidLock(file);
    if (!first.held) throw new Error('not held');
    expect(tryPidLock(file)).toEqual({ held: false, holder: identify(process.pid) });
    first.lock.release();
    expect(readdirSync(dir)).toEqual([]);
    expect(tryPidLock(file).held).toBe(true);
  });

  it('names the live process that holds it, and is taken over when that is gone', async () => {
    const { pid, end } = await anotherProcess();
    writeFileSync(file, JSON.stringify(identify(pid)));
    expect(tryPidLock(file)).toMatchObject({ held: false, holder: { pid } });
    await end();
    expect(tryPidLock(file).held).toBe(true);
    expect(readdirSync(dir)).toEqual(['lock']);
  });

  it('is taken over when the pid belongs to a later process', () => {
    writeFileSync(file, JSON.stringify({ pid: process.pid, started: 'long ago' }));
    expect(tryPidLock(file).held).toBe(true);
  });

  it.each([
    '',
    'nonsense',
    '{"pid":-1,"started":"x"}',
    '[]',
    '{"pid":"1","started":"x"}',
  ])('is taken over when its file says nothing: %j', (text) => {
    writeFileSync(file, text);
    expect(tryPidLock(file).held).toBe(true);
  });

  it('leaves a lock alone that another has taken over', () => {
    const mine = tryPidLock(file);
    if (!mine.held) throw new Error('not held');
    writeFileSync(file, 'of another');
    mine.lock.release();
    expect(existsSync(file)).toBe(true);
  });

  it('lets those who wait in one by one, also after a failure', async () => {
    let inside = 0;
    const work = async (): Promise<number> => {
      inside += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(inside).toBe(1);
      inside -= 1;
      return 1;
    };
    const failing = withPidLock(file, () => Promise.reject(new Error('no')), 5);
    const others = [1, 2, 3].map(() => withPidLock(file, work, 5));
    await expect(failing).rejects.toThrow('no');
    expect(await Promise.all(others)).toEqual([1, 1, 1]);
  });

  it('tells a process that has ended from one that runs', async () => {
    const { pid, end } = await anotherProcess();
    const identity = identify(pid);
    if (identity === undefined) throw new Error('not found');
    expect(stillRuns(identity)).toBe(true);
    await end();
    expect(stillRuns(identity)).toBe(false);
  });
});
