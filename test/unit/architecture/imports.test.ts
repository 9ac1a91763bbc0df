import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SRC = path.resolve(__dirname, '../../../src');

/**
 * Which part may import which, as docs/architecture.md has it: a row for each part, `nothing` or a list. An import that is not
 * in that table fails the build. A part is a folder, one file, or one file of a folder.
 */
const MAY_SEE: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [
    ...readFileSync(path.resolve(SRC, '../docs/architecture.md'), 'utf8')
      .split(/^## /m)
      .filter((section) => section.startsWith('Which part may import which'))
      .join()
      .matchAll(/^\| `([^`|]+)` \| (.+) \|$/gm),
  ].map(([, part = '', allowed = '']) => [
    part,
    [...allowed.matchAll(/`([^`]+)`/g)].map(([, one = '']) => one),
  ]),
);

/** Libraries that the workflow bundle may hold. Everything else slows every cached request down, or cannot run there. */
const BUNDLED = ['@temporalio/workflow', '@temporalio/common', '@noble/hashes', 'canonicalize'];

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return sourceFiles(file);
    return /\.tsx?$/.test(entry.name) ? [file] : [];
  });
}

function importsOf(file: string, pattern = /(?:from|import\(|require\.resolve\()\s*'([^']+)'/g): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(pattern)].map(([, specifier = '']) => specifier);
  return specifiers.map((to) => ({
    from: path.relative(SRC, file),
    to: to.startsWith('.') ? path.relative(SRC, path.resolve(path.dirname(file), to)) : to,
  }));
}

const partOf = (file: string): string => {
  const [part = ''] = file.split(path.sep);
  return part in MAY_SEE ? part : `${part}.ts`;
};

const imports = sourceFiles(SRC).flatMap((file) => importsOf(file));
const within = imports.filter(({ to }) => !to.startsWith('@') && !to.startsWith('node:') && isOurs(to));

function isOurs(to: string): boolean {
  const part = partOf(to);
  return part in MAY_SEE;
}

describe('imports point one way', () => {
  test('the table speaks of every part there is, and of no other', () => {
    const parts = new Set(sourceFiles(SRC).map((file) => partOf(path.relative(SRC, file))));
    expect([...parts].sort()).toEqual(Object.keys(MAY_SEE).sort());
  });

  test('no part sees what it may not', () => {
    const wrong = within.filter(({ from, to }) => {
      const [own, other] = [partOf(from), partOf(to)];
      if (own === other) return false;
      const allowed = MAY_SEE[own] ?? [];
      return !allowed.includes(other) && !allowed.some((one) => to === one || to === `${one}.ts`);
    });
    expect(wrong).toEqual([]);
    expect(within.length).toBeGreaterThan(100);
  });
});

describe('no file imports another in a circle, types included', () => {
  /** Every file with the files it imports. A module that a process of its own runs (`require.resolve`) is not imported. */
  const graph = new Map(
    sourceFiles(SRC).map((file) => [
      path.relative(SRC, file),
      importsOf(file, /(?:from|import\()\s*'(\.[^']+)'/g).map(({ to }) => fileOf(to)),
    ]),
  );

  /** The file that an import without its ending means. */
  function fileOf(to: string): string {
    const base = path.join(SRC, to.replace(/\.js$/, ''));
    const files = [`${base}.ts`, `${base}.tsx`, path.join(base, 'index.ts'), path.join(base, 'index.tsx')];
    return path.relative(SRC, files.find((one) => existsSync(one)) ?? base);
  }

  /** The first circle on the way from `file`, as the files in it. */
  function circleFrom(
    file: string,
    way: readonly string[],
    done: Set<string>,
  ): readonly string[] | undefined {
    const at = way.indexOf(file);
    if (at >= 0) return [...way.slice(at), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of graph.get(file) ?? []) {
      const circle = circleFrom(next, [...way, file], done);
      if (circle !== undefined) return circle;
    }
    return undefined;
  }

  test('every import means a file, and none leads back to where it started', () => {
    const done = new Set<string>();
    const circles = [...graph.keys()].flatMap((file) => circleFrom(file, [], done)?.join(' -> ') ?? []);
    expect([...graph.values()].flat().filter((file) => !graph.has(file))).toEqual([]);
    expect(circles).toEqual([]);
  });

  test('a circle would be found', () => {
    graph.set('a.ts', ['b.ts']);
    graph.set('b.ts', ['a.ts']);
    expect(circleFrom('a.ts', [], new Set())).toEqual(['a.ts', 'b.ts', 'a.ts']);
  });
});

describe('the workflow bundle stays small and can run in the sandbox', () => {
  const CORE = new Set(['domain', 'workflows']);

  test('no library reaches it but those it was measured with', () => {
    const foreign = imports
      .filter(({ from }) => CORE.has(partOf(from)))
      .filter(({ to }) => !isOurs(to))
      .filter(({ to }) => !BUNDLED.some((library) => to === library || to.startsWith(`${library}/`)));
    expect(foreign).toEqual([]);
  });

  test('its code is within the budget of 700 KB', () => {
    const bundle = readFileSync(path.resolve(SRC, '../dist/workflow-bundle.js'), 'utf8');
    const code = bundle.slice(0, bundle.indexOf('//# sourceMappingURL'));
    expect(code.length).toBeGreaterThan(100_000);
    expect(code.length).toBeLessThanOrEqual(700 * 1_024);
    expect(code).toContain('node_modules/@noble/hashes/');
    expect(code).not.toMatch(/node_modules\/(zod|pino|jose)\//);
  });

  test('no module keeps anything that can change: all requests of a worker share one instance of it', () => {
    const state =
      /^(?:export )?(?:let|var) |^(?:export )?const [^=]+= (?:new (?:Weak)?(?:Map|Set)\b|\[\];|\{\};)/m;
    const files = sourceFiles(SRC).filter((file) => CORE.has(partOf(path.relative(SRC, file))));
    expect(files.length).toBeGreaterThan(30);
    expect(files.filter((file) => state.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
