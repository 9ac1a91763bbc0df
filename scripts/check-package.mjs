// Packs the package and checks its public surface with publint and attw: every entry point resolves, types included, from
// ESM and from CommonJS. `node scripts/check-package.mjs`, after a build.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(path.join(tmpdir(), 'countersign-package-'));
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
  console.log(
    `${filename}: ${files.length} files, ${Math.round(unpackedSize / 1024)} KiB; publint and attw find nothing`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
