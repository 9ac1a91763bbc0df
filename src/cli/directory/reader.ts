import type { Logger } from '../../contracts/logger';
import type { Released } from '../../directory/sources/accept';
import { PushedReader } from '../../directory/sources/pushed/read-pushed';
import { readSource } from '../../directory/sources/read-source';
import { digestOfSnapshot, type Snapshot } from '../../directory/sources/snapshot';
import { type Synced, syncCalendar, syncSource } from '../../directory/sources/sync';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import { type LoadedBundle, SnapshotVerifier } from '../../policy';
import { signSnapshot, verifyPushed, verifyRelease } from '../../signing/sources';
import { UserError } from '../output';
import type { Signer } from '../signer';
import type { Opened } from './opened';

/** Returns what reads one source, and signs what it took as the reader. */
export function readerOf(
  { store, pushed, root }: Opened,
  { principal, key }: Signer,
  logger: Logger,
): (source: string) => Promise<Synced> {
  const verifier = new SnapshotVerifier(logger, Date.now);
  const pushedReader = new PushedReader(pushed, async (source, { id, kind, version, content, jws }) => {
    const about = { source, id, kind, version, digest: digestOfText(content) };
    const verified = await verifyPushed(jws, about, (await root()).file, Date.now());
    return verified.ok ? undefined : verified.refusal.detail;
  });
  return async (source) => {
    const bundle = await root();
    const counting = async () => verifier.counting(bundle, bundle.sources, await store.latest());
    const common = {
      store,
      last: async () => (await counting()).find(({ snapshot }) => snapshot.source === source)?.snapshot,
      sign: (snapshot: Snapshot, atMs: number) =>
        signSnapshot({ source, digest: digestOfSnapshot(snapshot) }, principal, key, atMs),
      nowMs: Date.now,
    };
    const calendar = bundle.sources.calendars[source];
    if (calendar !== undefined) {
      const known = knownIn(bundle, await counting());
      return syncCalendar(source, calendar, common, (id) => known.has(id));
    }
    const rules = bundle.sources.sources[source];
    if (rules === undefined) throw new UserError(`sources.yaml has no source ${source}`);
    return syncSource(source, rules, {
      ...common,
      read: (one) => readSource(one, (scim) => pushedReader.read(source, scim)),
      names: bundle.file.peopleNames(),
      released: async () => releasedIn(await store.releases(source)),
    });

    async function releasedIn(signed: readonly string[]): Promise<Released> {
      const released = new Map<string, readonly string[]>();
      for (const jws of signed) {
        const verified = await verifyRelease(jws, source, bundle.file, Date.now());
        if (!verified.ok) continue;
        const { change, by } = verified.value;
        released.set(change, [...(released.get(change) ?? []), by]);
      }
      return released;
    }
  };
}

/** Returns everybody whom `directory.yaml` and the sources that count have. */
export function knownIn(
  { file }: Pick<LoadedBundle, 'file'>,
  counting: readonly { readonly snapshot: Snapshot }[],
): ReadonlySet<PrincipalId> {
  return new Set([
    ...file.peopleNames().keys(),
    ...counting.flatMap(({ snapshot }) => snapshot.people.map(({ id }) => id)),
  ]);
}
