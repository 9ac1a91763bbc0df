// Packs the package and checks its public surface with publint and attw: every entry point resolves, types included, from
// ESM and from CommonJS. Then builds and packs again, which must give the same file. `node scripts/check-package.mjs`, after a build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-package-'));
const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const run = (command, args) =>
  execFileSync(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
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
  console.log(
    `${filename}: ${files.length} files, ${Math.round(unpackedSize / 1024)} KiB; publint and attw find nothing; built again it is the same: sha256 ${digest}`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
