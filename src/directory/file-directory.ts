import type { Digest } from '../domain/digest';
import {
  type Assurance,
  PRINCIPAL_KINDS,
  type PrincipalId,
  type PrincipalKind,
  type Standing,
} from '../domain/principal';
import type { Directory, Identity, RegisteredKey } from './directory';
import { type DirectoryData, type PrincipalData, principalsOf } from './directory-file';
import type { KeyRecord } from './read-keys';
import type { YamlPath } from './yaml-file';

type DelegationData = DirectoryData['delegations'][number];

interface Entry {
  readonly identity: Identity;
  readonly kind: PrincipalKind;
  readonly enabled: boolean;
  readonly roles: readonly { readonly name: string; readonly untilMs: number }[];
  readonly groups: readonly string[];
}

/** The directory as one version of its file has it. */
export class FileDirectory implements Directory {
  readonly #entries: ReadonlyMap<PrincipalId, Entry>;
  readonly #groups: ReadonlyMap<string, readonly PrincipalId[]>;
  /** Who has an attribute with a value, by both as JSON. */
  readonly #holders: ReadonlyMap<string, readonly PrincipalId[]>;
  readonly #keys: ReadonlyMap<string, KeyRecord>;
  readonly #assurances: ReadonlyMap<PrincipalId, readonly Assurance[]>;
  readonly #delegationsFrom: ReadonlyMap<PrincipalId, readonly DelegationData[]>;
  readonly #delegationsTo: ReadonlyMap<PrincipalId, readonly DelegationData[]>;
  /** What people read instead of an id: names of people, titles of identities and groups, each with its place in the file. */
  readonly names: readonly DirectoryName[];

  constructor(
    data: DirectoryData,
    keys: ReadonlyMap<string, KeyRecord>,
    readonly digest: Digest,
  ) {
    const groups = Object.entries(data.groups);
    this.#groups = new Map(groups.map(([name, { members }]) => [name, [...members].sort()]));
    const groupsOf = multimap(
      groups.flatMap(([name, { members }]) => [...new Set(members)].map((id) => [id, name] as const)),
    );
    this.#entries = new Map(
      principalsOf(data).map(({ id, entry }) => [id, entryOf(id, entry, groupsOf.get(id) ?? [])]),
    );
    this.#holders = multimap(
      principalsOf(data).flatMap(({ id, entry }) =>
        Object.entries(entry.attributes ?? {}).map((named) => [JSON.stringify(named), id] as const),
      ),
    );
    this.#keys = keys;
    this.#assurances = multimap(
      [...keys.values()].flatMap(({ key, revoked }) =>
        revoked ? [] : [[key.principal, key.assurance] as const],
      ),
    );
    this.#delegationsFrom = multimap(data.delegations.map((one) => [one.from, one] as const));
    this.#delegationsTo = multimap(data.delegations.map((one) => [one.to, one] as const));
    this.names = namesIn(data);
  }

  identity(id: PrincipalId): Identity | undefined {
    return this.#entries.get(id)?.identity;
  }

  standingOf(id: PrincipalId, atMs: number): Standing | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const standsInFor = (this.#delegationsTo.get(id) ?? [])
      .filter((one) => this.delegateOf(one.from, atMs) === id)
      .map((one) => one.from);
    return {
      id,
      kind: entry.kind,
      active: this.#isActive(id, atMs),
      roles: entry.roles.filter((role) => atMs < role.untilMs).map((role) => role.name),
      groups: entry.groups,
      ...(standsInFor.length > 0 && { standsInFor }),
    };
  }

  /** Delegations are dated and not chained: someone who is away stands in for nobody. */
  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined {
    const { to } = this.#delegationFrom(id, atMs) ?? {};
    if (to === undefined || !this.#isActive(id, atMs)) return undefined;
    return this.#delegationFrom(to, atMs) === undefined ? to : undefined;
  }

  #delegationFrom(id: PrincipalId, atMs: number): DelegationData | undefined {
    return this.#delegationsFrom.get(id)?.find((one) => one.since <= atMs && atMs < one.until);
  }

  #isActive(id: PrincipalId, atMs: number): boolean {
    const entry = this.#entries.get(id);
    const endsAtMs = entry?.identity.endsAtMs ?? Number.POSITIVE_INFINITY;
    return entry?.enabled === true && atMs < endsAtMs;
  }

  keyById(keyId: string, atMs: number): RegisteredKey | undefined {
    const record = this.#keys.get(keyId);
    return record === undefined || record.revoked || atMs >= record.notAfterMs ? undefined : record.key;
  }

  /** Returns true if the file names this key, whether or not it may sign. */
  namesKey(keyId: string): boolean {
    return this.#keys.has(keyId);
  }

  holderOf(attribute: string, value: string): PrincipalId | undefined {
    const holders = this.#holders.get(JSON.stringify([attribute, value])) ?? [];
    return holders.length === 1 ? holders[0] : undefined;
  }

  membersOf(group: string, atMs: number): readonly PrincipalId[] {
    return this.allMembersOf(group).filter((id) => this.#isActive(id, atMs));
  }

  /** Members of a group whether or not they are active, for checks and explanations. */
  allMembersOf(group: string): readonly PrincipalId[] {
    return this.#groups.get(group) ?? [];
  }

  /** Every role that someone holds at any time, for checks when the directory is loaded. */
  everHeldRoles(id: PrincipalId): readonly string[] {
    return this.#entries.get(id)?.roles.map((role) => role.name) ?? [];
  }

  /** The assurance of each key that someone may sign with. Empty if they have none. */
  assurancesOf(id: PrincipalId): readonly Assurance[] {
    return this.#assurances.get(id) ?? [];
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name);
  }

  groupNames(): readonly string[] {
    return [...this.#groups.keys()];
  }

  /** Names of people, by id. */
  peopleNames(): ReadonlyMap<PrincipalId, string> {
    return new Map(
      this.names.flatMap(({ id, text, path }) => (path[0] === 'people' ? [[id, text] as const] : [])),
    );
  }

  identities(): readonly Identity[] {
    return [...this.#entries.values()].map((entry) => entry.identity);
  }
}

export interface DirectoryName {
  readonly id: string;
  readonly text: string;
  readonly path: YamlPath;
}

function namesIn({ people, identities, groups }: DirectoryData): readonly DirectoryName[] {
  return [
    ...Object.entries(people).map(([id, { name }]) => ({ id, text: name, path: ['people', id, 'name'] })),
    ...Object.entries({ identities, groups }).flatMap(([section, entries]) =>
      Object.entries(entries).map(([id, { title }]) => ({ id, text: title, path: [section, id, 'title'] })),
    ),
  ];
}

function multimap<Key, Value>(pairs: readonly (readonly [Key, Value])[]): ReadonlyMap<Key, readonly Value[]> {
  const map = new Map<Key, Value[]>();
  for (const [key, value] of pairs) {
    const values = map.get(key);
    if (values === undefined) map.set(key, [value]);
    else values.push(value);
  }
  return map;
}

function entryOf(id: PrincipalId, data: PrincipalData, groups: readonly string[]): Entry {
  const identity: Identity = {
    id,
    accounts: data.accounts,
    ...('owner' in data && { owner: data.owner }),
    ...(data.sponsor !== undefined && { sponsor: data.sponsor }),
    ...(data.endDate !== undefined && { endsAtMs: data.endDate }),
    ...(data.attributes && { attributes: data.attributes }),
  };
  const roles = data.roles.map((held) => ({
    name: held.role,
    untilMs: 'until' in held ? held.until : Number.POSITIVE_INFINITY,
  }));
  const kind = PRINCIPAL_KINDS.find((one) => id.startsWith(`${one}/`)) ?? 'service';
  return { identity, kind, enabled: data.enabled, roles, groups };
}
