import { spawnSync } from 'node:child_process';
import path from 'node:path';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');

/** The shortest of several starts of Node, in milliseconds: the one that other work on the machine delayed least. */
function startUpMs(...args: readonly string[]): number {
  const times = Array.from({ length: 7 }, () => {
    const before = performance.now();
    const { status } = spawnSync(process.execPath, [...args], { encoding: 'utf8' });
    expect(status).toBe(0);
    return performance.now() - before;
  });
  return Math.min(...times);
}

// On a machine that is busy, everything takes longer, an empty program too; loading all of the program takes twenty times as long.
test.each([
  [['--version']],
  [['--help']],
  [['approve', '--help']],
])('%j takes less than 0.4 s, or six starts of an empty program', (args) => {
  expect(startUpMs(COMMAND, ...args)).toBeLessThan(Math.max(400, 6 * startUpMs('-e', '0')));
});
