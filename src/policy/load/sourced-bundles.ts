import { findDefinition } from '../../connectors/index';
import type { Logger } from '../../contracts/logger';
import { parsePlainYaml } from '../../directory/plain-yaml';
import { type Merged, mergedDirectory } from '../../directory/sources/merge';
import type { Snapshot } from '../../directory/sources/snapshot';
import type { SourcesData } from '../../directory/sources/sources-file';
import type { SnapshotReader, StoredSnapshot } from '../../directory/sources/store';
import { YamlFile } from '../../directory/yaml-file';
import { verifySnapshot } from '../../signing/sources';
import type { BundleSource } from '../bundle';
import { decodeApart } from './directory-apart';
import { DIRECTORY_FILE, type LoadedBundle } from './load-bundle';

/** A snapshot whose signature holds, and when the source was read. */
export interface Counting extends Merged {
  readonly readAtMs: number;
}

interface Composed {
  readonly from: LoadedBundle;
  readonly key: string;
  readonly made: Promise<LoadedBundle>;
}

const TELL_EVERY_MS = 60_000;

/**
 * Returns a source whose bundles know the people and groups of `sources.yaml`. A bundle without that file is returned unchanged. The
 * snapshots are merged into the text of the directory before it is loaded, so everything that reads, records or checks a directory
 * handles one with sources as it handles a file.
 */
export function withSources(
  source: BundleSource<LoadedBundle>,
  snapshots: SnapshotReader,
  logger: Logger,
  nowMs: () => number = Date.now,
): BundleSource<LoadedBundle> {
  const verifier = new SnapshotVerifier(logger, nowMs);
  let last: Composed | undefined;
  let previous: LoadedBundle | undefined;
  return {
    current: async () => {
      const from = await source.current();
      if (from.sources === undefined) return from;
      const counting = await verifier.counting(from, from.sources, await snapshots.current());
      const key = JSON.stringify(counting.map(({ digest, isStale }) => [digest, isStale]));
      if (last === undefined || last.from !== from || last.key !== key)
        last = { from, key, made: composed(from, counting, logger) };
      const current = last;
      try {
        previous = await current.made;
        return previous;
      } catch (error) {
        // A lack of resources passes, so the next call tries again.
        if (last === current) last = undefined;
        const reason = error instanceof Error ? error.message : 'unknown';
        logger.error(
          { reason },
          'ALERT the directory cannot be composed from its sources; the last one stays',
        );
        return previous ?? from;
      }
    },
  };
}

/**
 * Verifies snapshots, and remembers the newest that counted of each source: one that is missing, older or not signed does not replace it, so
 * that who can write to the database brings nobody back who left, and removes nobody.
 */
export class SnapshotVerifier {
  readonly #newest = new Map<string, StoredSnapshot>();
  readonly #read = new Map<string, Promise<number | undefined>>();
  readonly #told = new Map<string, number>();
  #root: LoadedBundle | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly nowMs: () => number,
  ) {}

  /** Returns the snapshots that count, in the order of `sources.yaml`. */
  async counting(
    root: LoadedBundle,
    { readers, staleAfter: ofSources, sources, calendars }: SourcesData,
    stored: readonly StoredSnapshot[],
  ): Promise<readonly Counting[]> {
    // Keys and readers may have changed with the bundle.
    if (this.#root !== root) this.#read.clear();
    this.#root = root;
    const counting: Counting[] = [];
    const limits = [
      ...Object.keys(sources).map((name) => [name, ofSources] as const),
      ...Object.entries(calendars).map(([name, { staleAfter }]) => [name, staleAfter] as const),
    ];
    for (const [name, staleAfter] of limits) {
      const found = stored.find(({ snapshot }) => snapshot.source === name);
      const best = await this.#best(name, found, readers, root);
      if (best === undefined) continue;
      const { one, readAtMs } = best;
      const isStale = this.nowMs() - readAtMs > staleAfter;
      if (isStale) this.#tell(name, { source: name, readAt: new Date(readAtMs).toISOString() }, STALE);
      counting.push({ snapshot: one.snapshot, digest: one.digest, isStale, readAtMs });
    }
    return counting;
  }

  async #best(
    name: string,
    found: StoredSnapshot | undefined,
    readers: readonly string[],
    root: LoadedBundle,
  ) {
    const newest = this.#newest.get(name);
    const [a, b] = await Promise.all(
      [found, newest].map(async (one) => one && { one, readAtMs: await this.#readAt(one, readers, root) }),
    );
    const isBetter = a?.readAtMs !== undefined && a.readAtMs >= (b?.readAtMs ?? a.readAtMs);
    const best = isBetter ? a : b;
    if (best?.readAtMs === undefined) return undefined;
    if (!isBetter) this.#tell(`old ${name}`, { source: name }, PUT_BACK);
    this.#newest.set(name, best.one);
    return { one: best.one, readAtMs: best.readAtMs };
  }

  #readAt({ snapshot, digest, jws }: StoredSnapshot, readers: readonly string[], root: LoadedBundle) {
    if (this.#read.size > 1_000) this.#read.clear();
    const read =
      this.#read.get(jws + digest) ?? this.#verified({ jws, source: snapshot.source, digest }, readers, root);
    this.#read.set(jws + digest, read);
    return read;
  }

  async #verified(
    about: { readonly jws: string; readonly source: string; readonly digest: string },
    readers: readonly string[],
    root: LoadedBundle,
  ): Promise<number | undefined> {
    const verified = await verifySnapshot(about, readers, root.file, this.nowMs());
    if (verified.ok) return verified.value;
    const { source } = about;
    this.#tell(
      `bad ${source}`,
      { source, code: verified.refusal.code, reason: verified.refusal.detail },
      FORGED,
    );
    return undefined;
  }

  #tell(what: string, about: object, message: string): void {
    const toldAtMs = this.#told.get(what) ?? Number.NEGATIVE_INFINITY;
    if (this.nowMs() - toldAtMs < TELL_EVERY_MS) return;
    this.#told.set(what, this.nowMs());
    this.logger.error(about, message);
  }
}

const STALE =
  'ALERT a source has been away for too long; its groups and roles count no more until it is read again';
const PUT_BACK =
  'ALERT a snapshot that counted before is missing, or an older one was put back; the newest goes on to count';
const FORGED = 'ALERT a snapshot does not count, because no reader signed it';

/** Composes the directory. If the bundle would be bad with what the sources give, their groups and roles are left out. */
async function composed(
  from: LoadedBundle,
  counting: readonly Counting[],
  logger: Logger,
): Promise<LoadedBundle> {
  const root = from.files.get(DIRECTORY_FILE) ?? '';
  const content = parsePlainYaml(root) ?? new YamlFile(DIRECTORY_FILE, root).content();
  const fitting = counting.map((one) => ({ ...one, snapshot: withFittingAccounts(one.snapshot, from) }));
  for (const sources of [fitting, fitting.map((one) => ({ ...one, isStale: true }))]) {
    const text = mergedDirectory(content, sources);
    const loaded = from.withDirectory(text, await decodeApart(DIRECTORY_FILE, text));
    if (loaded.ok) {
      const { directory, unreachable } = loaded.bundle;
      for (const stage of unreachable)
        logger.error(stage, 'ALERT an approval path is closed; every request that needs it is refused');
      logger.info(
        {
          directory: directory.digest,
          sources: counting.map(({ snapshot, digest }) => `${snapshot.source} ${digest}`),
        },
        'directory composed from its sources',
      );
      return loaded.bundle;
    }
    for (const problem of loaded.problems.slice(0, 8))
      logger.error(
        problem,
        'ALERT what the sources give does not fit the bundle; nobody approves by their groups',
      );
  }
  return from;
}

/** Leaves out accounts that their target could not have, which would make the whole bundle bad. */
function withFittingAccounts(snapshot: Snapshot, { connectors }: LoadedBundle): Snapshot {
  const kinds = new Map(connectors.map(({ name, kind }) => [name, findDefinition(kind)?.account]));
  const people = snapshot.people.map((person) => ({
    ...person,
    accounts: Object.fromEntries(
      Object.entries(person.accounts).filter(
        ([connector, account]) => kinds.get(connector)?.safeParse(account).success !== false,
      ),
    ),
  }));
  return { ...snapshot, people };
}
