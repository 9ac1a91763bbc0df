// Runs what shows that the product can be installed, upgraded and restored, part by part, and prints a table of what was started, what
// was tried and what was left out. `npm run test:ship`, after `npm ci`. `.ci/run` runs the same parts within its suites.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const NO_CONTAINER = 'a container: there is no engine here';

const script = (name) => ({
  command: [process.execPath, `scripts/${name}.mjs`],
  files: [`scripts/${name}.mjs`],
});
const tests = (project, folder, ...names) => ({
  project,
  files: names.map((name) => `test/${folder}/${name}.test.ts`),
});

const PARTS = [
  {
    part: 'package',
    started: 'npm pack, publint, attw',
    tried:
      'each entry point from ESM and CommonJS; twice the same tarball; npm publish --dry-run, and that npm refuses what is private',
    leftOut: 'publishing',
    ...script('check-package'),
  },
  {
    part: 'release',
    started: 'actionlint',
    tried: 'the workflow is valid, each action is one commit, only jobs that publish can',
    leftOut: 'the workflow itself: that takes GitHub',
    ...tests('foreign', 'foreign/ci', 'release'),
  },
  {
    part: 'image',
    started: 'the steps of the Dockerfile in an empty folder, and the program',
    tried: 'the files that the image gets are enough to start',
    leftOut: `base image, user, volumes; ${NO_CONTAINER}`,
    ...script('try-image'),
  },
  {
    part: 'compose',
    started: 'nothing',
    tried: 'the schema of Compose, settings, mounts',
    leftOut: NO_CONTAINER,
    ...script('check-compose'),
  },
  {
    part: 'compose, settings',
    started: 'nothing',
    tried: 'each setting is known, each named file is mounted, checks of health, alerts',
    leftOut: NO_CONTAINER,
    ...tests('unit', 'unit/stack', 'compose-file', 'deploy'),
  },
  {
    part: 'chart',
    started: 'helm, kube-apiserver with etcd',
    tried: 'lint, render with least and most, strict server-side dry run',
    leftOut: 'pods: that takes nodes',
    ...tests('targets', 'targets', 'chart'),
  },
  {
    part: 'probes',
    started: 'a worker without Temporal',
    tried: 'liveness does not depend on Temporal, readiness does',
    leftOut: 'a kubelet',
    ...tests('integration', 'integration/reconciler', 'worker-without-temporal'),
  },
  {
    part: 'certificates',
    started: 'a TLS server',
    tried: 'a renewed certificate is served without a restart',
    leftOut: 'a real issuer',
    ...tests('unit', 'unit/gateway', 'renewed-certificate'),
  },
  {
    part: 'tables by command',
    started: 'PostgreSQL, the command line',
    tried: 'setup database makes the tables of every store',
    leftOut: '-',
    ...tests('cli', 'cli', 'set-up-database'),
  },
  {
    part: 'upgrade',
    started: 'PostgreSQL',
    tried: 'oldest kept schema to today, beside a program of that schema; six that start at once',
    leftOut: '-',
    ...tests('integration', 'integration/database', 'upgrade', 'migrations'),
  },
  {
    part: 'rolling upgrade',
    started: 'Temporal, PostgreSQL, workers and gateways of an earlier version and of this one',
    tried: 'ten wait and four have access while each process is replaced in a storm of faults',
    leftOut: 'the full size: npm run upgrade:rolling',
    command: [process.execPath, 'dist/test/faults/upgrade/main.js', '--short', '--seed', '1'],
    files: ['dist/test/faults/upgrade/main.js'],
    // The earlier version comes from the history of this clone.
    leftOutAt: 3,
  },
  {
    part: 'temporal server',
    started: 'Temporal 1.32.1 on PostgreSQL, twice',
    tried: 'two namespaces side by side; signals during a task, with and without the setting; doctor',
    leftOut: 'Temporal Cloud',
    ...tests('targets', 'targets', 'temporal-cluster'),
  },
  {
    part: 'restores',
    started: 'Temporal, PostgreSQL, worker',
    tried: "Temporal's database, target, ledger, and each two or three of them",
    leftOut: 'pairs with lease book, register, archive or log',
    ...tests('long', 'integration/ledger', 'lost-stores'),
  },
  {
    part: 'restores, more',
    started: 'PostgreSQL',
    tried: 'lease book, exact actions, register',
    leftOut: 'a real target of the lease book',
    ...tests('integration', 'integration/ledger', 'restored-stores'),
  },
  {
    part: 'archive and log',
    started: 'Temporal, PostgreSQL, an S3 server, two writers',
    tried: 'archive lost; Object Lock, parts; writers killed, log and its head restored',
    leftOut: 'AWS itself',
    ...tests('audit', 'audit', 'archive', 'sinks', 'log-writers'),
  },
  {
    part: 'pages for operators',
    started: 'nothing',
    tried: 'each command in docs/operate exists, with its options',
    leftOut: 'whether it does what the page says',
    ...tests('unit', 'unit/cli', 'operate-commands'),
  },
];

/** Runs a part. Returns what came out, in words. */
function run({ command, project, files, leftOutAt }) {
  const missing = files.find((file) => !existsSync(path.join(root, file)));
  if (missing !== undefined) return { ok: false, result: `${missing} does not exist` };
  const about = { cwd: root, stdio: 'inherit' };
  if (command !== undefined) {
    const said = { ...about, stdio: ['ignore', 'inherit', 'pipe'], encoding: 'utf8' };
    const { status, stderr } = spawnSync(command[0], command.slice(1), said);
    process.stderr.write(stderr);
    if (status === leftOutAt)
      return {
        ok: true,
        result: `left out, because ${stderr
          .trim()
          .split('\n')
          .at(-1)
          .replace(/^\w+: /, '')}`,
      };
    return { ok: status === 0, result: status === 0 ? 'passed' : `ended with ${status}` };
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-ship-'));
  const report = path.join(folder, 'report.json');
  try {
    const jest = ['jest', '--selectProjects', project, '--json', `--outputFile=${report}`, '--forceExit'];
    const { status } = spawnSync('npx', [...jest, '--runTestsByPath', ...files], about);
    if (!existsSync(report)) return { ok: false, result: 'left no report' };
    const { numPassedTests, numTotalTests } = JSON.parse(readFileSync(report, 'utf8'));
    // A test that was skipped shows nothing.
    const ok = status === 0 && numTotalTests > 0 && numPassedTests === numTotalTests;
    return { ok, result: `${numPassedTests} of ${numTotalTests} tests` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !PARTS.some(({ part }) => part === name));
if (unknown.length > 0) {
  console.error(`test-ship: no part "${unknown[0]}"; there are ${PARTS.map(({ part }) => part).join(', ')}`);
  process.exit(2);
}
const rows = PARTS.map((part) => {
  if (wanted.length > 0 && !wanted.includes(part.part))
    return { ...part, ok: true, result: 'not asked for', took: '' };
  console.log(`== ${part.part}`);
  const startedMs = Date.now();
  return { ...part, ...run(part), took: `${Math.round((Date.now() - startedMs) / 1_000)} s` };
});

const table = [
  ['part', 'result', 'took', 'started', 'tried', 'left out'],
  ...rows.map(({ part, ok, result, took, started, tried, leftOut }) => [
    part,
    ok ? result : `FAILED: ${result}`,
    took,
    started,
    tried,
    leftOut,
  ]),
];
const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
console.log('');
for (const row of table)
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
process.exitCode = rows.every(({ ok }) => ok) ? 0 : 1;
