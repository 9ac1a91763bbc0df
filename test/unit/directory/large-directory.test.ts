import { performance } from 'node:perf_hooks';
import { readDirectory } from '../../../src/directory/read-directory';
import { directoryOf } from '../../support/large-directory';

function millisecondsFor(people: number, groups: number): number {
  const text = directoryOf(people, groups);
  const before = performance.now();
  const read = readDirectory('directory.yaml', text);
  expect(read.ok).toBe(true);
  return performance.now() - before;
}

describe('a large directory', () => {
  test('takes time in proportion to its size, not to its square', () => {
    millisecondsFor(1_000, 30);
    const small = millisecondsFor(1_000, 30);
    // Ten times as many people, ten times the time; by squares it would be a hundred times.
    expect(millisecondsFor(10_000, 300)).toBeLessThan(Math.max(30 * small, 2_000));
  });

  test('with a mistake on each of ten thousand lines tells them all, without searching for each line anew', () => {
    const members = Array.from({ length: 10_000 }, (_, index) => `      - person/nobody-${index}\n`).join('');
    const before = performance.now();
    const read = readDirectory(
      'directory.yaml',
      `people: {}\ngroups:\n  all:\n    title: All\n    members:\n${members}`,
    );
    expect(read.ok ? [] : read.problems.map(({ line }) => line)).toEqual(
      Array.from({ length: 10_000 }, (_, index) => index + 6),
    );
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
