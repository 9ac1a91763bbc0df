// Makes the tarball that a release publishes. `package.json` says `private`, so that nobody publishes by accident: npm refuses then. Only
// what this makes, from a packed tarball, lacks it. It also names the repository, which npm compares with the provenance.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Returns the path of the tarball, in that folder. */
export function makePublishable(tarball, repositoryUrl, into) {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-publishable-'));
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder]);
    const unpacked = path.join(folder, 'package');
    const file = path.join(unpacked, 'package.json');
    const { private: _private, ...about } = JSON.parse(readFileSync(file, 'utf8'));
    const published = { ...about, repository: { type: 'git', url: repositoryUrl } };
    writeFileSync(file, `${JSON.stringify(published, undefined, 2)}\n`);
    mkdirSync(into, { recursive: true });
    const out = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
      cwd: unpacked,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [{ filename }] = JSON.parse(out.toString());
    return path.join(into, filename);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
