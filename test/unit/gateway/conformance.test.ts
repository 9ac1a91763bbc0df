import { readFileSync } from 'node:fs';
import path from 'node:path';

const TEST = path.resolve(__dirname, '../..');
const DOCUMENT = readFileSync(path.resolve(TEST, '../docs/build/conformance.md'), 'utf8');

const cellsOf = (line: string): readonly string[] =>
  line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
const ROWS = DOCUMENT.split('\n')
  .filter((line) => line.startsWith('| '))
  .map(cellsOf);

/** Short names of files, as the document defines them. */
const FILES = new Map(
  ROWS.filter((cells) => cells.length === 2).flatMap(([short = '', files = '']) => {
    const named = [...files.matchAll(/`((?:unit|integration)\/[\w./-]+\.ts)`/g)].map(([, file = '']) => file);
    return named.length > 0 ? [[short, named] as const] : [];
  }),
);

/** Titles of tests in a file: of `describe`, `it` and `test`, and the first words of a row of a table of tests. */
function titlesIn(file: string): readonly string[] {
  const text = readFileSync(path.join(TEST, file), 'utf8');
  const called = text.matchAll(/\b(?:describe|it|test)\(\s*(['"`])([\s\S]*?)\1/g);
  const rows = text.matchAll(/\[\s*'([^'\n]+)',/g);
  return [...[...called].map(([, , title = '']) => title), ...[...rows].map(([, title = '']) => title)];
}
const TITLES = new Map([...FILES].map(([short, files]) => [short, files.flatMap(titlesIn)]));

interface Claim {
  readonly row: string;
  readonly status: string;
  readonly named: readonly { readonly short: string; readonly words: string }[];
  /** Words in quotation marks that belong to no file: a short name is missing or misspelt. */
  readonly stray: number;
}

const CLAIMS: readonly Claim[] = ROWS.filter((cells) => cells.length === 4 && cells[0] !== 'section').flatMap(
  ([section = '', demand = '', status = '', shown = '']) => {
    if (/^-+$/.test(section)) return [];
    const shorts = [...FILES.keys()].join('|');
    const mentions = [...shown.matchAll(new RegExp(`\\b(${shorts})((?:,? "[^"]+")*)(?![\\w-])`, 'g'))];
    const named = mentions.flatMap(([, short = '', quoted = '']) =>
      [...quoted.matchAll(/"([^"]+)"/g)].map(([, words = '']) => ({ short, words })),
    );
    const stray = [...shown.matchAll(/"[^"]+"/g)].length - named.length;
    return [{ row: `${section}: ${demand}`, status, named, stray }];
  },
);

describe('docs/build/conformance.md', () => {
  it('has its rows, and files that are there', () => {
    expect(FILES.size).toBeGreaterThan(12);
    expect(CLAIMS.length).toBeGreaterThan(100);
    for (const titles of TITLES.values()) expect(titles.length).toBeGreaterThan(0);
  });

  it('names no test that does not exist', () => {
    const missing = CLAIMS.flatMap(({ row, named }) =>
      named
        .filter(({ short, words }) => !TITLES.get(short)?.some((title) => title.includes(words)))
        .map(({ short, words }) => `${row} → ${short} "${words}"`),
    );
    expect(missing).toEqual([]);
  });

  it('shows what it says is shown, by the words of a title', () => {
    const hollow = CLAIMS.filter(({ status, named }) => status === 'yes' && named.length === 0);
    // What is to be documented is shown by standing there.
    expect(hollow.map(({ row }) => row).filter((row) => !/document/i.test(row))).toEqual([]);
    expect(CLAIMS.filter(({ stray }) => stray > 0).map(({ row }) => row)).toEqual([]);
  });

  it('has a known word for how each demand is met', () => {
    const words = new Set(CLAIMS.map(({ status }) => status));
    expect(
      [...words].filter((word) => !['yes', 'by design', 'differs', 'partly', 'n/a', 'no'].includes(word)),
    ).toEqual([]);
  });
});
