import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(__dirname, '../../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function pages(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return pages(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...pages('docs')];

/** The anchor that a heading gets, as code hosts make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const anchorsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));

describe('the documentation leads nowhere that is not there', () => {
  test.each(PAGES)('%s', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    const dead = links
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => {
        const [file = '', anchor] = target.split('#');
        const where = file === '' ? page : path.join(path.dirname(page), file);
        if (!existsSync(path.join(ROOT, where))) return true;
        return anchor !== undefined && !anchorsIn(read(where)).includes(anchor);
      });
    expect(dead).toEqual([]);
  });

  test('every page is reached from the index, directly or through one of its pages', () => {
    const reached = new Set<string>();
    const visit = (page: string): void => {
      if (reached.has(page) || !page.endsWith('.md')) return;
      reached.add(page);
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s#]+)/g))
        if (!/^[a-z]+:/.test(target)) {
          const next = path.join(path.dirname(page), target);
          if (existsSync(path.join(ROOT, next)) && statSync(path.join(ROOT, next)).isFile()) visit(next);
        }
    };
    visit('docs/README.md');
    expect(pages('docs').filter((page) => !reached.has(page))).toEqual([]);
  });
});

describe('docs/architecture.md shows every room', () => {
  const map = read('docs/architecture.md');

  test('and no room that is not there', () => {
    const rooms = readdirSync(path.join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `src/${entry.name}`);
    const shown = [...map.matchAll(/^\| `(src\/[\w-]+)` \|/gm)].map(([, room]) => room);
    expect(shown.toSorted()).toEqual(rooms.toSorted());
  });

  test('and the files that it names exist', () => {
    const named = [...map.matchAll(/`((?:[\w-]+\/)+[\w-]+\.ts)`/g)].map(([, file = '']) => file);
    const missing = named.filter(
      (file) =>
        !['src', 'src/domain', 'src/policy', 'src/gateway'].some((base) =>
          existsSync(path.join(ROOT, base, file)),
        ),
    );
    expect(missing.filter((file) => !existsSync(path.join(ROOT, file)))).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });
});

describe('decisions are numbered without gaps, have a status, and are in the index', () => {
  const files = readdirSync(path.join(ROOT, 'docs/decisions')).filter((file) => /^\d{4}-/.test(file));

  test('numbers', () => {
    const numbers = files.map((file) => Number(file.slice(0, 4))).toSorted((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  test.each(files)('%s', (file) => {
    const text = read(`docs/decisions/${file}`);
    expect(text).toMatch(/^Status: (accepted|superseded by \[\d{4}\].*)$/m);
    const [, title = ''] = /^# (.+)/.exec(text) ?? [];
    expect(read('docs/decisions/README.md')).toContain(`| [${file.slice(0, 4)}](${file}) | ${title} |`);
  });
});
