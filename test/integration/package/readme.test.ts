import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { WORKFLOW_BUNDLE_FILE } from '../../../src/project';
import { Harness } from '../../support/harness';

const ROOT = path.resolve(path.dirname(WORKFLOW_BUNDLE_FILE), '..');
/** Below the checkout, so that the package finds its dependencies there, without a network. */
const FOLDER = path.join(ROOT, 'dist', 'installed');
const PROGRAMS = [...readFileSync(path.join(ROOT, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)].map(
  ([, program = '']) => program,
);

/** Not the synchronous form: the worker that answers runs in this process. */
const exec = promisify(execFile);
const run = async (command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> =>
  (await exec(command, [...args], { cwd: FOLDER, env: { ...process.env, ...env } })).stdout;

let harness: Harness;
beforeAll(async () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(path.join(FOLDER, 'node_modules', 'countersign'), { recursive: true });
  const packing = ['pack', '--ignore-scripts', '--silent', '--pack-destination', FOLDER];
  await exec('npm', packing, { cwd: ROOT });
  const tarball = readdirSync(FOLDER).find((name) => name.endsWith('.tgz')) ?? '';
  await run('tar', ['xzf', tarball, '--strip-components=1', '-C', path.join('node_modules', 'countersign')]);
  writeFileSync(path.join(FOLDER, 'package.json'), '{ "private": true }');
  harness = await Harness.start();
  symlinkSync(harness.stateDir, path.join(FOLDER, '.countersign'));
}, 120_000);
afterAll(async () => {
  await harness?.stop();
  rmSync(FOLDER, { recursive: true, force: true });
});

describe('SHP-1 the TypeScript of the README works with the packed package', () => {
  const temporal = () => ({ TEMPORAL_ADDRESS: harness.server.address });

  test('it compiles against the types that the package brings', async () => {
    expect(PROGRAMS.length).toBeGreaterThanOrEqual(2);
    const files = PROGRAMS.map((program, index) => {
      const file = `program-${index}.mts`;
      writeFileSync(path.join(FOLDER, file), program);
      return file;
    });
    const strict = [
      '--ignoreConfig',
      '--noEmit',
      // Types of third parties are theirs to check.
      '--skipLibCheck',
      '--strict',
      '--module',
      'node20',
      '--target',
      'es2022',
      '--types',
      'node',
    ];
    await run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), ...strict, ...files]);
  });

  test('a service asks and is answered, from ESM', async () => {
    writeFileSync(path.join(FOLDER, 'service.mjs'), PROGRAMS[0] ?? '');
    expect(await run(process.execPath, ['service.mjs'], temporal())).toMatch(/^[0-9a-f-]{36} active\n$/);
  });

  test('and from CommonJS', async () => {
    const required = (PROGRAMS[0] ?? '').replace(
      /^import (\{.*\}) from ('.*');$/m,
      'const $1 = require($2);',
    );
    writeFileSync(path.join(FOLDER, 'service.cjs'), `(async () => {\n${required}})();\n`);
    expect(await run(process.execPath, ['service.cjs'], temporal())).toMatch(/^[0-9a-f-]{36} active\n$/);
  });

  test('every entry point loads, and what is not exported does not', async () => {
    const entries = ['.', './enforcement', './adapters/action-gate', './connector-kit'];
    const load = (entry: string) => `require(${JSON.stringify(path.posix.join('countersign', entry))});`;
    await run(process.execPath, ['-e', entries.map(load).join('\n')]);
    await expect(run(process.execPath, ['-e', load('./dist/src/client.js')])).rejects.toThrow(/exports/);
  });

  test('the command runs from the package', async () => {
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    const bin = path.join('node_modules', 'countersign', 'bin', 'countersign.js');
    expect(await run(process.execPath, [bin, '--version'])).toBe(`${version}\n`);
  });
});
