import type { RawGroup, RawPerson, RawSnapshot, Snapshot } from '../../../../src/directory/sources/snapshot';
import { type SourceRules, sourceSchema } from '../../../../src/directory/sources/sources-file';
import { type Known, type Taken, take } from '../../../../src/directory/sources/take';

const AT = Date.UTC(2026, 10, 1);

export const rules = (changes: object = {}): SourceRules =>
  sourceSchema.parse({
    kind: 'ldap',
    url: 'ldaps://ldap.example.com',
    bindDn: 'cn=reader,dc=example,dc=com',
    passwordFile: '/run/secrets/ldap',
    people: { base: 'ou=people,dc=example,dc=com' },
    groupsBase: 'ou=groups,dc=example,dc=com',
    groups: { dba: { from: 'database-admins', most: 6 } },
    ...changes,
  });

export const person = (foreignId: string, changes: Partial<RawPerson> = {}): RawPerson => ({
  ref: `uid=${foreignId}`,
  foreignId,
  stable: `stable-${foreignId}`,
  name: `Name of ${foreignId}`,
  active: true,
  accounts: {},
  ...changes,
});

export const group = (name: string, members: readonly string[]): RawGroup => ({
  ref: `cn=${name}`,
  name,
  members: members.map((one) => (one.includes('=') ? one : `uid=${one}`)),
});

/** People by their ids, and the group that `dba` is filled from. */
export const sent = (people: readonly (string | RawPerson)[], admins: readonly string[]): RawSnapshot => ({
  people: people.map((one) => (typeof one === 'string' ? person(one) : one)),
  groups: [group('database-admins', admins)],
});

const NOBODY_KNOWN: Known = { names: new Map(), stable: new Map() };

export const knownOf = ({ people }: Snapshot): Known => ({
  names: new Map(people.map(({ id, name }) => [id, name])),
  stable: new Map(people.map(({ id, stable }) => [id, stable])),
});

export const taken = (raw: RawSnapshot, known: Known = NOBODY_KNOWN, by: SourceRules = rules()): Taken =>
  take('office', by, raw, known, AT);
