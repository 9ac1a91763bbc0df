// Writes into docs/requirements.md which tests name each requirement: `node scripts/requirements.mjs`.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const DOCUMENT = 'docs/requirements.md';

const files = readdirSync('test', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
  .sort()
  .map((file) => ({ file: path.relative('test', file), text: readFileSync(file, 'utf8') }));

/** Only titles of tests count; comments do not. */
const titles = (text) =>
  [...text.matchAll(/(?:describe|it|test)(?:\.each\([\s\S]*?\))?\(\s*(['"`])([\s\S]*?)\1/g)].map(
    ([, , title]) => title,
  );

const named = files.map(({ file, text }) => ({
  file,
  titles: [...titles(text), ...rowTitles(text)].join('\n'),
}));

/** Rows of a table of tests are titles, too. */
function rowTitles(text) {
  return [...text.matchAll(/\[\s*'((?:[A-Z]{3}-\d+)[^']*)'/g)].map(([, title]) => title);
}

const lines = readFileSync(DOCUMENT, 'utf8').split('\n');
const written = lines.map((line) => {
  const [, id, requirement] = /^\| ([A-Z]{3}-\d+) \| (.*?) \| [^|]*\|$/.exec(line) ?? [];
  if (id === undefined) return line;
  const shown = named
    .filter(({ titles }) => new RegExp(`\\b${id}\\b`).test(titles))
    .map(({ file }) => `\`${file}\``);
  return `| ${id} | ${requirement} | ${shown.length > 0 ? shown.join(', ') : 'not yet'} |`;
});
writeFileSync(DOCUMENT, written.join('\n'));
