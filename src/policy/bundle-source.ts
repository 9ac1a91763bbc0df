import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { FileProblem } from '../directory/yaml-file';
import type { BundleSource } from './bundle';
import { bundleOf, type LoadedBundle, type LoadResult, readBundleFiles } from './load-bundle';
import type { TicketSource } from './tickets';

export interface BundleSourceOptions {
  readonly tickets: TicketSource;
  readonly logger: {
    info(about: object, message: string): void;
    error(about: object, message: string): void;
  };
  readonly nowMs?: () => number;
  /** Reads the files of a folder; whoever tries out what becomes of one that fails gives another. */
  readonly read?: typeof readBundleFiles;
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
 * once and the last good one stays. One that could not be read, for whatever reason, is read again until it can be: a
 * disk or a process short of something for a moment must not keep a disabled person active.
 *
 * @throws BadBundle where the first one is bad
 */
export async function createBundleSource(
  dir: string,
  options: BundleSourceOptions,
): Promise<BundleSource<LoadedBundle>> {
  const { tickets, logger, nowMs = Date.now, read = readBundleFiles } = options;
  const load = async (): Promise<LoadResult & { readonly wasRead: boolean }> => {
    try {
      const files = await read(dir);
      return files.ok ? { ...bundleOf(files.value, tickets), wasRead: true } : { ...files, wasRead: false };
    } catch (error) {
      const message = `could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
      return { ok: false, problems: [{ file: dir, line: 1, message }], wasRead: false };
    }
  };
  /** Of the files that were read last; nothing where that is not known. */
  let version = await versionOf(dir);
  const first = await load();
  if (!first.ok) throw new BadBundle(first.problems);
  let bundle: LoadedBundle = first.bundle;
  let lookedAtMs = nowMs();
  let looking: Promise<void> | undefined;
  let reported: string | undefined;

  const report = (found: string | undefined, problems: readonly FileProblem[]) => {
    const what = JSON.stringify([found, problems]);
    if (what === reported) return;
    reported = what;
    for (const problem of problems) logger.error(problem, 'policy bundle refused; the last good one stays');
  };
  const look = async () => {
    const found = await versionOf(dir);
    if (found === undefined || found !== version) {
      const loaded = await load();
      // Only now, for what was not read is to be read again.
      version = loaded.wasRead ? found : undefined;
      if (loaded.ok) {
        bundle = loaded.bundle;
        reported = undefined;
        logger.info(
          { policy: bundle.policy.digest, directory: bundle.directory.digest },
          'policy bundle loaded',
        );
      } else report(found, loaded.problems);
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

/** Names, sizes and times of the files: whatever changes them, or who may read them, changes this. */
async function versionOf(dir: string): Promise<string | undefined> {
  try {
    const names = (await readdir(dir)).sort();
    const versions = names.map(async (name) => {
      const about = await stat(path.join(dir, name)).catch(() => undefined);
      return `${name} ${about?.size} ${about?.mtimeMs} ${about?.ctimeMs} ${about?.ino}`;
    });
    return (await Promise.all(versions)).join('\n');
  } catch {
    return undefined;
  }
}
