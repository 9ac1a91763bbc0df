import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheDir } from '../../../src/stack/cache';

/** The last commit before workers and gateways got probes, shared stores and a log that several workers write: 0.1.0. */
export const EARLIER_COMMIT = '2ad14cd6535a2c96350da7326c86d90c0e12b80d';
const ROOT = path.resolve(__dirname, '../../../..');
const MOST_BYTES = 256 * 1024 * 1024;

/** Says why an earlier version cannot be had. */
export class NoEarlierVersion extends Error {}

/**
 * Returns the folder of an earlier version of this repository, installed and built. It is made once, in the cache, from what git has.
 *
 * @throws NoEarlierVersion if this copy of the repository does not have the commit
 */
export function provideEarlierVersion(commit: string, announce: (line: string) => void): string {
  const found = commitOf(commit);
  const folder = path.join(cacheDir(), `earlier-${found.slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  announce(`installing and building ${found.slice(0, 8)}`);
  const draft = `${folder}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const archive = path.join(draft, 'sources.tar');
  writeFileSync(archive, git('archive', found));
  const inDraft = (program: string, ...args: readonly string[]) =>
    execFileSync(program, [...args], { cwd: draft, stdio: ['ignore', 'ignore', 'inherit'] });
  inDraft('tar', '-xf', archive);
  rmSync(archive);
  // Its `prepare` builds it.
  inDraft('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error');
  renameSync(draft, folder);
  return folder;
}

function commitOf(name: string): string {
  if (!/^[\w./~^-]+$/.test(name) || name.startsWith('-'))
    throw new NoEarlierVersion(`${name} does not name a commit`);
  try {
    return git('rev-parse', '--verify', '--quiet', `${name}^{commit}`).toString().trim();
  } catch {
    throw new NoEarlierVersion(whyMissing(name));
  }
}

function whyMissing(name: string): string {
  const short = name.slice(0, 12);
  try {
    const isShallow = git('rev-parse', '--is-shallow-repository').toString().trim() === 'true';
    return isShallow
      ? `this clone is shallow and does not have commit ${short}; get its history: git fetch --unshallow`
      : `this clone does not have commit ${short}; name one that it has with --from`;
  } catch {
    return 'this folder is no clone of the repository, so it has no earlier version; run it in a clone with its history';
  }
}

const git = (...args: readonly string[]): Buffer =>
  execFileSync('git', [...args], { cwd: ROOT, maxBuffer: MOST_BYTES, stdio: ['ignore', 'pipe', 'ignore'] });
