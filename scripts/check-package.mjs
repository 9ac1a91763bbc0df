// Packs the package and checks its public surface with publint and attw: every entry point resolves, types included, from
// ESM and from CommonJS. Then builds and packs again, which must give the same file. At last it tries to publish: npm must refuse what is
// packed here, and have nothing to say against what a release publishes.
// `node scripts/check-package.mjs [--out FOLDER] [--repository URL]`, after a build. With `--out`, what a release publishes is left there.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makePublishable } from './publishable.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    repository: { type: 'string', default: 'git+https://github.com/example/countersign.git' },
  },
});
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-package-'));
const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const run = (command, args) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });

/** A registry that is not there, so that nothing could be published even if npm did not refuse. */
const NOWHERE = ['--registry=http://127.0.0.1:9/', '--//127.0.0.1:9/:_authToken=none', '--fetch-retries=0'];

/** Tries to publish, and returns the lines that npm says besides its notices. */
function publish(...args) {
  const about = { cwd: folder, encoding: 'utf8' };
  const { status, stderr } = spawnSync('npm', ['publish', '--ignore-scripts', ...args], about);
  const said = stderr.split('\n').filter((line) => /^npm (warn|error)/i.test(line));
  return { status, said };
}

function checkPublishing(tarball, publishable) {
  const refused = publish(tarball, ...NOWHERE);
  if (refused.status === 0 || !refused.said.some((line) => line.includes('EPRIVATE')))
    throw new Error(`npm does not refuse to publish the private package: ${refused.said.join('; ')}`);
  const { status, said } = publish(publishable, '--dry-run', '--access', 'public', ...NOWHERE);
  if (status !== 0 || said.length > 0)
    throw new Error(`npm publish --dry-run ended with ${status}: ${said.join('; ')}`);
}

try {
  const packed = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename, files, unpackedSize }] = JSON.parse(run('npm', packed).toString());
  const tarball = path.join(folder, filename);
  const maps = files.filter(({ path: file }) => file.endsWith('.map'));
  if (maps.length > 0) throw new Error(`source maps without their sources are packed: ${maps[0].path}`);
  run('npx', ['publint', tarball, '--strict']);
  run('npx', ['attw', tarball, '--profile', 'node16']);
  // Whoever builds the same sources gets the same file, so a published one can be checked.
  const digest = digestOf(tarball);
  run(process.execPath, ['scripts/build.mjs']);
  run('npm', packed);
  if (digestOf(tarball) !== digest)
    throw new Error('a second build of the same sources makes another tarball');
  const into = values.out === undefined ? path.join(folder, 'publishable') : path.resolve(values.out);
  const publishable = makePublishable(tarball, values.repository, into);
  checkPublishing(tarball, publishable);
  console.log(
    `${filename}: ${files.length} files, ${Math.round(unpackedSize / 1024)} KiB; publint and attw find nothing; built again it is the same: sha256 ${digest}`,
  );
  console.log(
    `npm refuses to publish it, and would publish what a release makes of it: sha256 ${digestOf(publishable)}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
