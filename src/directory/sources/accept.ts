import { type Digest, digestOf } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import type { Snapshot, SourcePerson } from './snapshot';
import type { SourceRules } from './sources-file';

/** A change that does not count until a governor has released it. The same change has the same id each time it is seen. */
export interface HeldChange {
  readonly id: Digest;
  readonly kind: 'vanished' | 'identity' | 'group' | 'role';
  /** Whom or what it is about: people, a group of `directory.yaml`, or a role. */
  readonly about: string;
  readonly people: readonly PrincipalId[];
  readonly why: string;
}

/** Governors who released a held change, by its id. */
export type Released = ReadonlyMap<string, readonly PrincipalId[]>;

export interface Accepted {
  readonly snapshot: Snapshot;
  readonly held: readonly HeldChange[];
}

/** Fewer people than this may vanish at once whatever their share: a small team may leave together. */
const FEW = 10;

/**
 * Decides what of a new snapshot counts. Whatever takes something from one person counts at once. What would empty or halve a group, fill it
 * beyond its limit, give a governance role, or make one person into another is held: there the last snapshot goes on to count, less the people
 * who left.
 *
 * @param released ids of held changes, each with the governors who released it. Nobody releases what is about themselves.
 */
export function accept(
  previous: Snapshot | undefined,
  next: Snapshot,
  rules: Pick<SourceRules, 'groups'>,
  released: Released,
): Accepted {
  const held: HeldChange[] = [];
  const isHeld = (change: Omit<HeldChange, 'id'>, to: unknown): boolean => {
    const id = digestOf({ source: next.source, kind: change.kind, about: change.about, to });
    if (released.get(id)?.some((by) => !change.people.includes(by)) === true) return false;
    held.push({ id, ...change });
    return true;
  };
  const people = peopleNow(previous, next, isHeld);
  const active = new Set([...people.values()].flatMap(({ id, active: is }) => (is ? [id] : [])));
  const admitted = (ids: readonly PrincipalId[] = []) => ids.filter((id) => active.has(id));
  const groups = Object.entries(rules.groups).map(([name, limits]) => {
    const before = previous?.groups[name];
    const stayed = admitted(before);
    const now = admitted(next.groups[name]);
    const why = whyHeld(before === undefined ? undefined : stayed, now, limits);
    if (why === undefined) return [name, now] as const;
    const gone = stayed.filter((id) => !now.includes(id));
    const come = now.filter((id) => !stayed.includes(id));
    const change = { kind: 'group', about: name, people: [...come, ...gone], why } as const;
    return [name, isHeld(change, now) ? stayed : now] as const;
  });
  const roles = Object.entries(next.roles).map(([role, ids]) => {
    const before = previous?.roles[role] ?? [];
    const holders = admitted(ids).filter(
      (id) =>
        before.includes(id) ||
        !isHeld(
          { kind: 'role', about: role, people: [id], why: `${id} would hold the governance role ${role}` },
          { id, stable: people.get(id)?.stable },
        ),
    );
    return [role, holders] as const;
  });
  return {
    snapshot: {
      source: next.source,
      people: [...people.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      groups: Object.fromEntries(groups),
      roles: Object.fromEntries(roles),
    },
    held,
  };
}

type IsHeld = (change: Omit<HeldChange, 'id'>, to: unknown) => boolean;

/** Returns everybody whom the source has or had. Who is no longer there stays as somebody who is gone. */
function peopleNow(
  previous: Snapshot | undefined,
  next: Snapshot,
  isHeld: IsHeld,
): ReadonlyMap<PrincipalId, SourcePerson> {
  const before = new Map(previous?.people.map((person) => [person.id, person]));
  const idBefore = new Map(previous?.people.map(({ stable, id }) => [stable, id]));
  const now = new Map<PrincipalId, SourcePerson>();
  for (const person of next.people) {
    const known = before.get(person.id);
    const earlier = idBefore.get(person.stable);
    const why = whyAnother(person, known, earlier);
    const change = { kind: 'identity', about: person.id, people: [person.id] } as const;
    if (why !== undefined && isHeld({ ...change, why }, { id: person.id, stable: person.stable })) continue;
    now.set(person.id, {
      ...person,
      since: known?.stable === person.stable ? known.since : person.since,
    });
  }
  const missing = [...before.values()].filter(({ id }) => !now.has(id));
  const vanished = missing.filter(({ active }) => active);
  const share = [...before.values()].filter(({ active }) => active).length;
  const ids = vanished.map(({ id }) => id).sort();
  const isMass = vanished.length >= FEW && vanished.length * 2 >= share;
  const why = `${vanished.length} of ${share} people are no longer there`;
  const areKept = isMass && isHeld({ kind: 'vanished', about: 'people', people: ids, why }, ids);
  for (const person of missing)
    now.set(person.id, areKept && person.active ? person : { ...person, active: false, gone: true });
  return now;
}

/** Says why this would be somebody else under a known id, or a known person under another. */
function whyAnother(
  { id, stable }: SourcePerson,
  known: SourcePerson | undefined,
  earlier: PrincipalId | undefined,
): string | undefined {
  if (known !== undefined && known.stable !== stable)
    return `${id} was another account before; whoever has the id now would get what they had`;
  if (earlier !== undefined && earlier !== id) return `${earlier} was renamed; they would be ${id}`;
  return undefined;
}

/** Says why a group may not become what the source says. Members who left the source are not among `stayed`. */
function whyHeld(
  stayed: readonly PrincipalId[] | undefined,
  now: readonly PrincipalId[],
  { least, most }: SourceRules['groups'][string],
): string | undefined {
  if (now.length > most) return `it would have ${now.length} members, over its limit of ${most}`;
  if (stayed === undefined) return undefined;
  const lost = stayed.filter((id) => !now.includes(id)).length;
  if (lost > 0 && now.length === 0) return 'it would have no members';
  if (lost > 0 && lost * 2 >= stayed.length)
    return `${lost} of its ${stayed.length} members would no longer be in it`;
  if (lost > 0 && now.length < least) return `it would have ${now.length} members, fewer than ${least}`;
  return undefined;
}

/** What differs between two snapshots, one line each. */
export function differences(from: Snapshot | undefined, to: Snapshot): readonly string[] {
  const before = new Map(from?.people.map((person) => [person.id, person]));
  const lines: string[] = [];
  for (const person of to.people) {
    const old = before.get(person.id);
    if (old === undefined) lines.push(`+ ${person.id}${person.active ? '' : ' (disabled)'}`);
    else if (old.active !== person.active)
      lines.push(`${person.active ? '+' : '-'} ${person.id} ${person.active ? 'is active again' : 'left'}`);
    else
      for (const [what, a, b] of [
        ['end', old.endsAt, person.endsAt],
        ['sponsor', old.sponsor, person.sponsor],
        ['name', old.name, person.name],
        ['accounts', JSON.stringify(old.accounts), JSON.stringify(person.accounts)],
      ] as const)
        if (a !== b) lines.push(`~ ${person.id} ${what}: ${a ?? 'none'} -> ${b ?? 'none'}`);
  }
  for (const [kind, old, now] of [
    ['group', from?.groups ?? {}, to.groups],
    ['role', from?.roles ?? {}, to.roles],
  ] as const)
    for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
      const [was, is] = [old[name] ?? [], now[name] ?? []];
      lines.push(...is.filter((id) => !was.includes(id)).map((id) => `+ ${id} in ${kind} ${name}`));
      lines.push(...was.filter((id) => !is.includes(id)).map((id) => `- ${id} in ${kind} ${name}`));
    }
  return lines;
}
