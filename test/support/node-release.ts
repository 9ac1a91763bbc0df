import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';

/** The newest release of each supported major version when this was last changed. */
export const NODE_RELEASES = { 22: '22.23.5', 24: '24.22.3', 26: '26.12.1' } as const;

/** Returns the program of a release of Node, which npm has for this machine. It is installed once, into the cache. */
export function nodeRelease(major: keyof typeof NODE_RELEASES): string {
  const version = NODE_RELEASES[major];
  const name = `node-${process.platform}-${process.arch}`;
  const dir = path.join(cacheDir(), `${name}-${version}`);
  const program = path.join(dir, 'node_modules', name, 'bin', 'node');
  if (existsSync(program)) return program;
  toStderr(`installing Node ${version} with npm`);
  const draft = `${dir}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  execFileSync('npm', ['install', '--prefix', draft, ...quiet, `${name}@${version}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  try {
    renameSync(draft, dir);
  } catch (error) {
    // Another process was faster, and made the same.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(program)) throw error;
  }
  return program;
}
