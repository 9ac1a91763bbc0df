import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../../src/stack/announce';
import { cacheDir } from '../../../src/stack/cache';

const VERSION = '2.12.0';

/**
 * Returns the program of the protocol's Inspector, installed once into the cache. It is apart from the other packages: no lock file of npm holds its
 * optional packages for every platform, so `npm ci` refuses each.
 */
export function inspector(): string {
  const dir = path.join(cacheDir(), `inspector-${VERSION}`);
  const program = path.join(
    dir,
    'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
  );
  if (existsSync(program)) return program;
  toStderr(`installing the Inspector ${VERSION} with npm`);
  const draft = `${dir}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync(
    'npm',
    ['install', '--prefix', draft, ...quiet, `@modelcontextprotocol/inspector@${VERSION}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    renameSync(draft, dir);
  } catch (error) {
    // Another process was faster, and made the same.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}
