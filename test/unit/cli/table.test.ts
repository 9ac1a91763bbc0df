import { stripVTControlCharacters } from 'node:util';
import { table } from '../../../src/cli/table';

const ROWS = [
  ['REQUEST', 'ENTITLEMENT', 'FOR', 'UNTIL'],
  ['dc933e65', 'warehouse:payments-archive-of-2019#write', 'service/reconciliation', 'in 15m'],
  ['a0000001', 'x:y#z', 'ci/a', '-'],
];
const at = (columns: number) => ({ columns, hasColour: false });
const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => line.length));

test('nothing is shortened in a file or a pipe', () => {
  const lines = table(ROWS, { shortens: [1, 2] });
  expect(lines).toHaveLength(3);
  expect(lines[1]).toContain('warehouse:payments-archive-of-2019#write');
});

test('columns that may be shortened give way to the width of the terminal, and keep both ends', () => {
  const lines = table(ROWS, { terminal: at(60), shortens: [1, 2] });
  expect(widest(lines)).toBeLessThanOrEqual(60);
  expect(lines).toHaveLength(3);
  expect(lines[1]).toMatch(/^dc933e65 {2}warehouse:\S*…\S*#write {2}/);
});

test('what still does not fit goes below, behind the first column, with no column left out', () => {
  const lines = table(ROWS, { terminal: at(34), shortens: [1, 2] });
  expect(widest(lines)).toBeLessThanOrEqual(34);
  expect(lines.filter((line) => line.startsWith('REQUEST')).length).toBeGreaterThan(1);
  for (const head of ROWS[0] ?? []) expect(lines.join('\n')).toContain(head);
});

test('colour takes no room, and control characters in a cell are shown as a mark', () => {
  const rows = [['A'], ['x\u001b[31mred']];
  const lines = table(rows, {
    terminal: { columns: 80, hasColour: true },
    paints: { 0: (cell) => `\u001b[32m${cell}\u001b[39m` },
  });
  expect(lines.map(stripVTControlCharacters)).toEqual(['A', 'x\ufffd[31mred']);
});
