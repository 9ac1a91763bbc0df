import { foreignName, label } from '../../contracts/request';
import { hasInvisible, isBlank, isNormal } from '../../domain/characters';
import type { PrincipalId } from '../../domain/principal';
import { skeletonOf } from '../look-alike';
import { flattened } from './flatten';
import { principalOf } from './principal-name';
import type { RawGroup, RawPerson, RawSnapshot, Snapshot, SourcePerson } from './snapshot';
import { SOURCE_LIMITS, type SourceRules } from './sources-file';

/** Whom a name belongs to already: people of `directory.yaml`, and of the last snapshot. */
export interface Known {
  /** Names of people, by id. */
  readonly names: ReadonlyMap<PrincipalId, string>;
  /** What the source never changes of each of its people, by id. */
  readonly stable: ReadonlyMap<PrincipalId, string>;
}

export interface Taken {
  readonly snapshot: Snapshot;
  /** What of the source was not taken over, and why. One line each. */
  readonly remarks: readonly string[];
}

/**
 * Makes a snapshot of what a source sent. People whose ids or names could be taken for those of others are left out and told.
 *
 * @throws Error of one line if the source gives more than it may, or lacks a group that `sources.yaml` names
 */
export function take(
  source: string,
  rules: SourceRules,
  raw: RawSnapshot,
  known: Known,
  atMs: number,
): Taken {
  if (raw.people.length > SOURCE_LIMITS.people)
    throw new Error(`it has more than ${SOURCE_LIMITS.people} people`);
  if (raw.groups.length > SOURCE_LIMITS.groups)
    throw new Error(`it has more than ${SOURCE_LIMITS.groups} groups`);
  const remarks: string[] = [];
  const admitted = admit(raw.people, known, remarks);
  const idOf = new Map([...admitted].map(([id, { ref }]) => [ref, id]));
  const people = [...admitted].map(([id, person]) => personOf(id, person, idOf, atMs));
  const membersOf = members(raw.groups, idOf, remarks);
  return {
    snapshot: {
      source,
      people: people.sort((a, b) => (a.id < b.id ? -1 : 1)),
      groups: Object.fromEntries(
        Object.entries(rules.groups).map(([name, { from }]) => [name, membersOf(from)]),
      ),
      roles: Object.fromEntries(Object.entries(rules.roles).map(([role, from]) => [role, membersOf(from)])),
    },
    remarks: remarks.sort(),
  };
}

/** Decides who is taken over. Who has an id or a name already keeps it; a newcomer who could be taken for them is refused. */
function admit(
  all: readonly RawPerson[],
  known: Known,
  remarks: string[],
): ReadonlyMap<PrincipalId, RawPerson> {
  const byId = new Map<PrincipalId, RawPerson[]>();
  for (const person of all) {
    const id = principalOf(person.foreignId);
    const problem = id === undefined ? 'its id is no name that a principal can have' : problemOf(person);
    if (id === undefined || problem !== undefined)
      remarks.push(`${shown(person.foreignId)} is not taken: ${problem}`);
    else byId.set(id, [...(byId.get(id) ?? []), person]);
  }
  const unique = new Map<PrincipalId, RawPerson>();
  for (const [id, people] of byId) {
    const holder = people.find(({ stable }) => stable === known.stable.get(id));
    const [only] = people.length === 1 ? people : [holder];
    if (people.length > 1)
      remarks.push(
        `${people.length} accounts would all be ${id} (${people
          .map(({ foreignId }) => shown(foreignId))
          .sort()
          .join(
            ', ',
          )}); ${holder === undefined ? 'none of them is taken' : `${shown(holder.foreignId)} was it before and stays`}`,
      );
    if (only !== undefined) unique.set(id, only);
  }
  return withoutLookAlikes(unique, known, remarks);
}

function withoutLookAlikes(
  people: ReadonlyMap<PrincipalId, RawPerson>,
  known: Known,
  remarks: string[],
): ReadonlyMap<PrincipalId, RawPerson> {
  const isKnown = (id: PrincipalId, name: string) => known.names.get(id) === name;
  const bySkeleton = new Map<string, { readonly id: PrincipalId; readonly name: string }[]>();
  const all = new Map([...known.names, ...[...people].map(([id, { name }]) => [id, name] as const)]);
  for (const [id, name] of all) {
    const skeleton = skeletonOf(name.toLowerCase());
    const others = bySkeleton.get(skeleton);
    if (others === undefined) bySkeleton.set(skeleton, [{ id, name }]);
    else others.push({ id, name });
  }
  const kept = new Map(people);
  for (const alike of bySkeleton.values()) {
    // People do bear the same name. To spell it in other letters is another matter.
    if (new Set(alike.map(({ name }) => name.toLowerCase())).size === 1) continue;
    for (const { id, name } of alike) {
      if (isKnown(id, name) || !kept.has(id)) continue;
      const other = alike.find((one) => one.name.toLowerCase() !== name.toLowerCase());
      if (!alike.some((one) => isKnown(one.id, one.name)) && isAscii(name)) continue;
      kept.delete(id);
      remarks.push(
        `${id} is not taken: its name ${shown(name)} reads like that of ${other?.id ?? 'another'}`,
      );
    }
  }
  return kept;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is that of ASCII
const isAscii = (name: string): boolean => /^[\x00-\x7f]*$/.test(name);

function problemOf({ name, stable, accounts }: RawPerson): string | undefined {
  if (!label(100).safeParse(name).success || !isNormal(name) || isBlank(name))
    return `nobody could read its name ${shown(name)}`;
  if (!label(200).safeParse(stable).success) return 'it has no id that stays';
  for (const [connector, account] of Object.entries(accounts))
    if (!foreignName.safeParse(account).success || hasInvisible(account))
      return `its account on ${connector} is not one`;
  return undefined;
}

function personOf(
  id: PrincipalId,
  { stable, name, active, endsAtMs, managerRef, accounts }: RawPerson,
  idOf: ReadonlyMap<string, PrincipalId>,
  atMs: number,
): SourcePerson {
  const sponsor = managerRef === undefined ? undefined : idOf.get(managerRef);
  return {
    id,
    stable,
    name,
    active,
    ...(endsAtMs !== undefined && { endsAt: new Date(endsAtMs).toISOString() }),
    ...(sponsor !== undefined && sponsor !== id && { sponsor }),
    accounts,
    since: new Date(atMs).toISOString(),
  };
}

/** Returns what finds the members of a group by its name at the source. */
function members(
  groups: readonly RawGroup[],
  idOf: ReadonlyMap<string, PrincipalId>,
  remarks: string[],
): (name: string) => PrincipalId[] {
  const byRef = new Map(groups.map((group) => [group.ref, group]));
  return (name) => {
    const [group, ...others] = groups.filter((one) => one.name === name);
    // An empty group is a fact. A group that is missing is more likely a right that the login has lost.
    if (group === undefined) throw new Error(`it has no group ${shown(name)}`);
    if (others.length > 0) throw new Error(`it has more than one group ${shown(name)}`);
    const flat = flattened(group, byRef);
    for (const cycle of flat.cycles)
      remarks.push(`${shown(cycle)} contains itself by other groups; its members count once`);
    return [...new Set([...flat.members].flatMap((ref) => idOf.get(ref) ?? []))].sort();
  };
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 64));
