import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from './errors';
import { identify, type ProcessIdentity, parseIdentity, stillRuns } from './process-identity';

export interface PidLock {
  release(): void;
}

export type LockAttempt =
  | { readonly held: true; readonly lock: PidLock }
  | { readonly held: false; readonly holder: ProcessIdentity };

/**
 * Takes a lock file for this process. Takes over the lock of a process that no longer runs. Returns the holder if a running
 * process, which may be this one, has the lock.
 */
export function tryPidLock(file: string): LockAttempt {
  const own = identify(process.pid);
  if (!own) throw new Error('cannot read the state of this process');
  const mine = JSON.stringify(own);
  const draft = `${file}.${process.pid}`;
  for (;;) {
    writeFileSync(draft, mine, { mode: 0o600 });
    try {
      // Creating a hard link is atomic, so nobody reads half a lock.
      linkSync(draft, file);
      return { held: true, lock: { release: () => releaseIfOurs(file, mine) } };
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
    const found = readIfThere(file);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder && stillRuns(holder)) return { held: false, holder };
    removeStale(file, found);
  }
}

/** Waits for the lock, then does the work while it holds it. */
export async function withPidLock<T>(file: string, work: () => Promise<T>, pollMs = 250): Promise<T> {
  for (;;) {
    const attempt = tryPidLock(file);
    if (attempt.held) {
      try {
        return await work();
      } finally {
        attempt.lock.release();
      }
    }
    await sleep(pollMs);
  }
}

function releaseIfOurs(file: string, mine: string): void {
  if (readIfThere(file) === mine) rmSync(file, { force: true });
}

/** Two processes may find the same stale lock. One that moved a fresh lock away by mistake puts it back. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readIfThere(aside) !== stale) linkSync(aside, file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function parseHolder(text: string): ProcessIdentity | undefined {
  try {
    return parseIdentity(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
