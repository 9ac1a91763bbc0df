import type { PrincipalId } from '../../domain/principal';
import { accept, differences, type HeldChange, type Released } from './accept';
import { onCallSnapshot, readOnCall } from './on-call';
import type { RawSnapshot, Snapshot } from './snapshot';
import type { CalendarRules, SourceRules } from './sources-file';
import type { SnapshotStore } from './store';
import { take } from './take';

/** What came of reading one source. */
export interface Synced {
  readonly source: string;
  readonly people: number;
  readonly differences: readonly string[];
  readonly held: readonly HeldChange[];
  readonly remarks: readonly string[];
}

export interface SyncParts {
  readonly store: SnapshotStore;
  readonly read: (rules: SourceRules) => Promise<RawSnapshot>;
  /** Names of the people of `directory.yaml`, by id. */
  readonly names: ReadonlyMap<PrincipalId, string>;
  /** What was taken of this source last, if the signature over it holds. */
  readonly last: (source: string) => Promise<Snapshot | undefined>;
  readonly released: (source: string) => Promise<Released>;
  readonly sign: (snapshot: Snapshot, atMs: number) => Promise<string>;
  readonly nowMs: () => number;
}

/**
 * Reads one source, decides what of it counts, and writes that as signed.
 *
 * @throws Error of one line if the source cannot be read or is not believed; what it gave last goes on to count
 */
export async function syncSource(source: string, rules: SourceRules, parts: SyncParts): Promise<Synced> {
  // The time is that of before the reading: what the source says may be older than its answer, and never counts as newer.
  const atMs = parts.nowMs();
  const before = await parts.store.wordOf(source);
  const last = await parts.last(source);
  const raw = await parts.read(rules);
  const known = last?.people ?? [];
  const taken = take(
    source,
    rules,
    raw,
    {
      names: new Map([...known.map(({ id, name }) => [id, name] as const), ...parts.names]),
      stable: new Map(known.map(({ id, stable }) => [id, stable])),
    },
    atMs,
  );
  const { snapshot, held } = accept(last, taken.snapshot, rules, await parts.released(source));
  const { remarks } = taken;
  const jws = await parts.sign(snapshot, atMs);
  if (!(await parts.store.save({ snapshot, jws, held, remarks, atMs }, before)))
    throw new Error('another process read the same source meanwhile');
  return {
    source,
    people: snapshot.people.filter(({ active }) => active).length,
    differences: differences(last, snapshot),
    held,
    remarks,
  };
}

/**
 * Reads a calendar, and writes who is on call as signed. Nothing of it is held: who is on call changes as a whole at each shift.
 *
 * @param isKnown whether the directory has somebody
 * @throws Error of one line if it cannot be read or is not believed; who was on call last goes on to be, until that is stale
 */
export async function syncCalendar(
  source: string,
  rules: CalendarRules,
  parts: Pick<SyncParts, 'store' | 'last' | 'sign' | 'nowMs'>,
  isKnown: (id: PrincipalId) => boolean,
): Promise<Synced> {
  const atMs = parts.nowMs();
  const before = await parts.store.wordOf(source);
  const last = await parts.last(source);
  const onCall = await readOnCall(rules, atMs, isKnown);
  const snapshot = onCallSnapshot(source, rules, onCall);
  const { people, remarks } = onCall;
  const jws = await parts.sign(snapshot, atMs);
  if (!(await parts.store.save({ snapshot, jws, held: [], remarks, atMs }, before)))
    throw new Error('another process read the same calendar meanwhile');
  return { source, people: people.length, differences: differences(last, snapshot), held: [], remarks };
}
