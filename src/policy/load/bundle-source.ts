import type { Logger } from '../../contracts/logger';
import type { FileProblem } from '../../directory/yaml-file';
import type { BundleSource } from '../bundle';
import type { TicketSource } from '../tickets/ticket';
import { readBundleFiles, STILL_MS, untilStill, versionOfFolder } from './bundle-folder';
import { decodeApart } from './directory-apart';
import { bundleOf, DIRECTORY_FILE, type LoadedBundle, type LoadResult } from './load-bundle';

export interface BundleSourceOptions {
  readonly tickets: TicketSource;
  readonly logger: Logger;
  readonly nowMs?: () => number;
  /** Reads the files of a folder. Tests replace it to simulate failures. */
  readonly read?: typeof readBundleFiles;
}

/** How long a bundle is used without looking for changes. A revoked key counts no longer than this and `STILL_MS` together. */
const LOOK_EVERY_MS = 1_000;

const CHANGING = 'changes while it is read; it is read again when all files are delivered';

/** A bundle that cannot be used, with one problem a line. */
class BadBundle extends Error {
  override readonly name = 'BadBundle';

  constructor(readonly problems: readonly FileProblem[]) {
    super(
      problems
        .map(
          ({ file, line, message, code }) =>
            `${file}:${line}: ${message}${code === undefined ? '' : ` (${code})`}`,
        )
        .join('\n'),
    );
  }
}

/**
 * Loads a bundle and follows changes of its folder. A changed bundle is loaded at the next call after a second without
 * changes, so that files that are delivered one after the other are never mixed. A bad one is reported once, and the last
 * good one stays. If the folder cannot be read, each call tries again: a temporary lack of resources must not keep a
 * disabled person active.
 *
 * @throws BadBundle if the first one is bad
 */
export async function createBundleSource(
  dir: string,
  options: BundleSourceOptions,
): Promise<BundleSource<LoadedBundle>> {
  const { tickets, logger, nowMs = Date.now, read = readBundleFiles } = options;
  const load = async (expected: string | undefined): Promise<LoadResult & { readonly wasRead: boolean }> => {
    try {
      const files = await read(dir);
      const found = await versionOfFolder(dir);
      if (files.ok && found?.mark !== expected)
        return { ok: false, problems: [{ file: dir, line: 1, message: CHANGING }], wasRead: false };
      if (!files.ok) return { ...files, wasRead: false };
      const decoded = await decodeApart(DIRECTORY_FILE, files.value.get(DIRECTORY_FILE) ?? '');
      return { ...bundleOf(files.value, tickets, decoded), wasRead: true };
    } catch (error) {
      const message = `could not be loaded: ${error instanceof Error ? error.message : String(error)}`;
      return { ok: false, problems: [{ file: dir, line: 1, message }], wasRead: false };
    }
  };
  await untilStill(() => versionOfFolder(dir));
  /** Fingerprint of the files that were read last; undefined if it is not known. */
  let version = (await versionOfFolder(dir))?.mark;
  const first = await load(version);
  if (!first.ok) throw new BadBundle(first.problems);
  let bundle: LoadedBundle = first.bundle;
  const tell = ({ notes, unreachable }: LoadedBundle) => {
    for (const stage of unreachable)
      logger.error(stage, 'ALERT an approval path is closed; every request that needs it is refused');
    for (const note of notes) logger.warn(note, 'something in the policy bundle deserves a look');
  };
  tell(bundle);
  let lookedAtMs = nowMs();
  let looking: Promise<void> | undefined;
  let reported: string | undefined;
  /** A version that is not in force yet, and since when the folder is seen to have it. */
  let waiting = { mark: version, sinceMs: lookedAtMs };

  const isStill = ({ mark, changedAtMs }: { readonly mark: string; readonly changedAtMs: number }) => {
    if (nowMs() - changedAtMs >= STILL_MS) return true;
    // The times of the files say nothing if another machine's clock made them, so they are watched as well.
    if (waiting.mark !== mark) waiting = { mark, sinceMs: nowMs() };
    return nowMs() - waiting.sinceMs >= STILL_MS;
  };
  const report = (found: string | undefined, problems: readonly FileProblem[]) => {
    const what = JSON.stringify([found, problems]);
    if (what === reported) return;
    reported = what;
    for (const problem of problems) logger.error(problem, 'policy bundle refused; the last good one stays');
  };
  const renew = async (found: string | undefined) => {
    const loaded = await load(found);
    // What was not read is to be read again.
    version = loaded.wasRead ? found : undefined;
    if (!loaded.ok) return report(found, loaded.problems);
    bundle = loaded.bundle;
    tell(bundle);
    reported = undefined;
    logger.info({ policy: bundle.policy.digest, directory: bundle.directory.digest }, 'policy bundle loaded');
  };
  const look = async () => {
    const found = await versionOfFolder(dir);
    if (found === undefined || (found.mark !== version && isStill(found))) await renew(found?.mark);
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
