import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SRC = path.resolve(__dirname, '../../../src');

/**
 * Which part may see which. Imports point one way, from the edges to the core; an arrow that is not in this table fails
 * the build. Types of activities are the only thing that the workflow knows of its worker.
 */
const MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  contracts: ['domain'],
  workflows: ['domain', 'contracts/names', 'contracts/traceparent', 'activities/types'],
  directory: ['domain', 'contracts'],
  policy: ['domain', 'contracts', 'directory'],
  signing: ['domain', 'contracts', 'directory'],
  connectors: ['domain', 'contracts'],
  ledger: ['domain', 'contracts', 'connectors'],
  audit: [
    'domain',
    'contracts',
    'workflows',
    'policy',
    'directory',
    'signing',
    'activities',
    'project.ts',
    'codec/open-history',
    'ledger/forgetful',
    'stack/pid-lock',
    'telemetry/catalogue',
  ],
  codec: ['contracts'],
  outbound: [],
  notify: ['domain', 'contracts', 'connectors', 'directory', 'outbound', 'policy/duration'],
  friction: ['domain', 'contracts'],
  telemetry: ['domain', 'contracts', 'connectors/contract', 'workflows'],
  reconciler: ['domain', 'contracts', 'connectors', 'telemetry/catalogue'],
  activities: ['domain', 'contracts', 'policy', 'directory', 'signing', 'connectors'],
  'project.ts': [],
  'worker.ts': [
    'project.ts',
    'activities',
    'connectors',
    'directory',
    'domain/precedents',
    'ledger',
    'policy',
    'reconciler',
    'signing',
    'telemetry',
    'workflows',
  ],
  'client-errors.ts': ['contracts'],
  'client.ts': [
    ...['client-errors.ts', 'domain', 'contracts', 'signing', 'codec', 'workflows/payload-converter'],
    ...['telemetry/client-interceptor', 'telemetry/tracing'],
  ],
  gateway: [
    ...['client.ts', 'domain', 'contracts', 'connectors', 'directory', 'outbound', 'policy', 'signing'],
    ...['telemetry/catalogue', 'telemetry/tracing'],
  ],
  enforcement: ['client.ts', 'domain', 'contracts', 'connectors', 'policy', 'signing'],
  adapters: ['domain', 'enforcement'],
  mcp: [
    ...['domain', 'contracts', 'signing', 'enforcement'],
    ...['app', 'body', 'problem'].map((file) => `gateway/http/${file}`),
    ...['gateway/gateway', 'gateway/auth/caller', 'gateway/routes/extension'],
  ],
  stack: ['project.ts', 'domain', 'contracts', 'connectors', 'directory', 'policy', 'signing'],
  cli: [
    ...[
      'project.ts',
      'domain',
      'contracts',
      'client.ts',
      'worker.ts',
      'audit',
      'codec',
      'connectors',
      'ledger',
    ],
    ...[
      'policy',
      'reconciler',
      'signing',
      'stack',
      'gateway',
      'enforcement',
      'friction',
      'mcp',
      'notify',
      'telemetry',
    ],
  ],
};

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
    return entry.name.endsWith('.ts') ? [file] : [];
  });
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const specifiers = [...text.matchAll(/(?:from|import\(|require\.resolve\()\s*'([^']+)'/g)].map(
    ([, specifier = '']) => specifier,
  );
  return specifiers.map((to) => ({
    from: path.relative(SRC, file),
    to: to.startsWith('.') ? path.relative(SRC, path.resolve(path.dirname(file), to)) : to,
  }));
}

const partOf = (file: string): string => {
  const [part = ''] = file.split(path.sep);
  return part in MAY_SEE ? part : `${part}.ts`;
};

const imports = sourceFiles(SRC).flatMap(importsOf);
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
