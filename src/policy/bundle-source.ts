import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileProblem } from '../directory/yaml-file';
import type { BundleSource } from './bundle';
import { type LoadedBundle, loadBundle } from './load-bundle';
import type { TicketSource } from './tickets';

export interface BundleSourceOptions {
  readonly tickets: TicketSource;
  readonly logger: {
    info(about: object, message: string): void;
    error(about: object, message: string): void;
  };
  readonly nowMs?: () => number;
}

/** How long a bundle is believed to be unchanged. A revoked key counts no longer than this. */
const LOOK_EVERY_MS = 1_000;

/** A bundle that cannot be used: every problem, one a line. */
export class BadBundle extends Error {
  override readonly name = 'BadBundle';

  constructor(readonly problems: readonly FileProblem[]) {
    super(problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('\n'));
  }
}

/**
 * Loads a bundle and keeps up with its folder: a changed one is loaded when it is next asked for, a bad one is reported
 * once and the last good one stays.
 *
 * @throws BadBundle where the first one is bad
 */
export async function createBundleSource(
  dir: string,
  options: BundleSourceOptions,
): Promise<BundleSource<LoadedBundle>> {
  const { tickets, logger, nowMs = Date.now } = options;
  let version = await versionOf(dir);
  const first = await loadBundle(dir, tickets);
  if (!first.ok) throw new BadBundle(first.problems);
  let bundle: LoadedBundle = first.bundle;
  let lookedAtMs = nowMs();
  let looking: Promise<void> | undefined;

  const look = async () => {
    const found = await versionOf(dir);
    if (found !== version) {
      version = found;
      const loaded = await loadBundle(dir, tickets);
      if (loaded.ok) {
        bundle = loaded.bundle;
        logger.info(
          { policy: bundle.policy.digest, directory: bundle.directory.digest },
          'policy bundle loaded',
        );
      } else {
        for (const problem of loaded.problems)
          logger.error(problem, 'policy bundle refused; the last good one stays');
      }
    }
    lookedAtMs = nowMs();
  };
  return {
    current: async () => {
      if (nowMs() - lookedAtMs >= LOOK_EVERY_MS) {
        looking ??= look().finally(() => {
          looking = undefined;
        });
        await looking;
      }
      return bundle;
    },
  };
}

/** Names, sizes and times of the files: whatever changes them changes this. */
async function versionOf(dir: string): Promise<string> {
  try {
    const names = (await readdir(dir)).sort();
    const stats = await Promise.all(names.map((name) => stat(path.join(dir, name))));
    return stats
      .map(({ size, mtimeMs, ino }, index) => `${names[index]} ${size} ${mtimeMs} ${ino}`)
      .join('\n');
  } catch {
    return 'unreadable';
  }
}
