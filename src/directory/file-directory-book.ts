import type { Digest } from '../domain/digest';
import {
  type Assurance,
  PRINCIPAL_KINDS,
  type PrincipalId,
  type PrincipalKind,
  type Standing,
} from '../domain/principal';
import type { DirectoryBook, Identity, RegisteredKey } from './directory-book';
import { type DirectoryData, type PrincipalData, principalsOf } from './directory-file';
import type { KeyRecord } from './read-keys';

interface Entry {
  readonly identity: Identity;
  readonly kind: PrincipalKind;
  readonly enabled: boolean;
  readonly roles: readonly { readonly name: string; readonly untilMs: number }[];
  readonly groups: readonly string[];
}

/** The directory as one version of its file has it. */
export class FileDirectoryBook implements DirectoryBook {
  readonly #entries: ReadonlyMap<PrincipalId, Entry>;
  readonly #groups: ReadonlyMap<string, readonly PrincipalId[]>;
  readonly #keys: ReadonlyMap<string, KeyRecord>;
  readonly #delegations: DirectoryData['delegations'];

  constructor(
    data: DirectoryData,
    keys: ReadonlyMap<string, KeyRecord>,
    readonly digest: Digest,
  ) {
    this.#groups = new Map(
      Object.entries(data.groups).map(([name, { members }]) => [name, [...members].sort()]),
    );
    const groupsOf = (id: PrincipalId) =>
      [...this.#groups].filter(([, members]) => members.includes(id)).map(([name]) => name);
    this.#entries = new Map(
      principalsOf(data).map(({ id, entry }) => [id, entryOf(id, entry, groupsOf(id))]),
    );
    this.#keys = keys;
    this.#delegations = data.delegations;
  }

  identity(id: PrincipalId): Identity | undefined {
    return this.#entries.get(id)?.identity;
  }

  standingOf(id: PrincipalId, atMs: number): Standing | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const standsInFor = this.#delegations
      .filter((one) => one.to === id && this.delegateOf(one.from, atMs) === id)
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

  /** Dated, and not chained: whoever is away stands in for nobody. */
  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined {
    const isNow = (one: DirectoryData['delegations'][number]) => one.since <= atMs && atMs < one.until;
    const delegation = this.#delegations.find((one) => one.from === id && isNow(one));
    if (delegation === undefined || !this.#isActive(id, atMs)) return undefined;
    return this.#delegations.some((one) => one.from === delegation.to && isNow(one))
      ? undefined
      : delegation.to;
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

  membersOf(group: string, atMs: number): readonly PrincipalId[] {
    return this.allMembersOf(group).filter((id) => this.standingOf(id, atMs)?.active);
  }

  /** Members of a group whether or not they are active, for checks and explanations. */
  allMembersOf(group: string): readonly PrincipalId[] {
    return this.#groups.get(group) ?? [];
  }

  /** Who someone would be with every role they hold at any time, were they in time; for checks at load. */
  everHeldRoles(id: PrincipalId): readonly string[] {
    return this.#entries.get(id)?.roles.map((role) => role.name) ?? [];
  }

  /** What the signatures of someone can be worth; nothing where they have no key that may sign. */
  assurancesOf(id: PrincipalId): readonly Assurance[] {
    return [...this.#keys.values()].flatMap(({ key, revoked }) =>
      key.principal === id && !revoked ? [key.assurance] : [],
    );
  }

  hasGroup(name: string): boolean {
    return this.#groups.has(name);
  }

  identities(): readonly Identity[] {
    return [...this.#entries.values()].map((entry) => entry.identity);
  }
}

function entryOf(id: PrincipalId, data: PrincipalData, groups: readonly string[]): Entry {
  const identity: Identity = {
    id,
    accounts: data.accounts,
    ...('owner' in data && { owner: data.owner }),
    ...(data.sponsor !== undefined && { sponsor: data.sponsor }),
    ...(data.endDate !== undefined && { endsAtMs: data.endDate }),
  };
  const roles = data.roles.map((held) => ({
    name: held.role,
    untilMs: 'until' in held ? held.until : Number.POSITIVE_INFINITY,
  }));
  const kind = PRINCIPAL_KINDS.find((one) => id.startsWith(`${one}/`)) ?? 'service';
  return { identity, kind, enabled: data.enabled, roles, groups };
}
