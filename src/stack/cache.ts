import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** The user's folder for files that are built or downloaded once and shared by every checkout. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  const base = env['XDG_CACHE_HOME'];
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'countersign');
}

const FAILURE_COUNTS_FOR_MS = 6 * 60 * 60 * 1000;

/** A note in the cache that something failed, so that the next run does not wait for the same failure. */
export class FailureNote {
  readonly #file: string;

  constructor(cache: string, name: string) {
    this.#file = path.join(cache, `${name}.failed`);
  }

  /** True if it failed within the last six hours. */
  isFresh(): boolean {
    const found = statSync(this.#file, { throwIfNoEntry: false });
    return found !== undefined && Date.now() - found.mtimeMs < FAILURE_COUNTS_FOR_MS;
  }

  write(why: string): void {
    mkdirSync(path.dirname(this.#file), { recursive: true });
    writeFileSync(this.#file, `${why}\n`);
  }
}
