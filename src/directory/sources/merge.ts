import { z } from 'zod';
import { GOVERNANCE_ROLES, type PrincipalId } from '../../domain/principal';
import type { Snapshot, SourcePerson } from './snapshot';

/** The parts of `directory.yaml` that sources add to, as it is written. It has been checked before. */
const writtenPerson = z.looseObject({
  enabled: z.boolean().default(true),
  endDate: z.string().optional(),
  sponsor: z.string().optional(),
  roles: z.array(z.union([z.string(), z.looseObject({ role: z.string() })])).default([]),
  accounts: z.record(z.string(), z.string()).default({}),
});
const writtenDirectory = z.looseObject({
  people: z.record(z.string(), writtenPerson),
  identities: z
    .record(z.string(), z.looseObject({ accounts: z.record(z.string(), z.string()).default({}) }))
    .default({}),
  groups: z.record(z.string(), z.looseObject({ members: z.array(z.string()) })).default({}),
});
type Written = z.output<typeof writtenPerson>;

/** A snapshot that counts, and whether its groups and roles still do. */
export interface Merged {
  readonly snapshot: Snapshot;
  readonly digest: string;
  /** True if the source has been away for too long: its people are known, and nobody approves by its groups. */
  readonly isStale: boolean;
}

/**
 * Returns the text of the directory that policy uses: `directory.yaml` with what the sources give, in the same form. It has one entry a
 * line. Its digest is what requests are assessed by, and evidence holds it as it holds the file. The file wins wherever it says something, except
 * that nobody is active whom either has disabled, and that the earlier end counts.
 *
 * @param content the content of `directory.yaml`, which is valid
 */
export function mergedDirectory(content: unknown, sources: readonly Merged[]): string {
  const root = writtenDirectory.parse(content);
  const people = new Map<PrincipalId, Written>(Object.entries(root.people));
  const groups = new Map(
    Object.entries(root.groups).map(([name, group]) => [name, { ...group, members: [...group.members] }]),
  );
  const accounts = new Set(
    [...Object.values(root.people), ...Object.values(root.identities)].flatMap((one) =>
      Object.entries(one.accounts).map(([connector, account]) => accountName(connector, account)),
    ),
  );
  const fromSource = new Set<PrincipalId>();
  for (const { snapshot } of sources)
    for (const person of snapshot.people) {
      if (fromSource.has(person.id)) continue;
      fromSource.add(person.id);
      people.set(person.id, personOf(person, people.get(person.id), accounts));
    }
  for (const [id, person] of people)
    if (person.sponsor !== undefined && (person.sponsor === id || !people.has(person.sponsor))) {
      const { sponsor: _unknown, ...rest } = person;
      people.set(id, rest);
    }
  for (const { snapshot, isStale } of sources) {
    if (isStale) continue;
    for (const [role, ids] of Object.entries(snapshot.roles))
      for (const id of ids) {
        const person = people.get(id);
        if (person !== undefined && !rolesOf(person).includes(role))
          people.set(id, { ...person, roles: [...person.roles, role] });
      }
  }
  const governs = (id: PrincipalId) =>
    rolesOf(people.get(id)).some((role) => (GOVERNANCE_ROLES as readonly string[]).includes(role));
  for (const { snapshot, isStale } of sources)
    for (const [name, ids] of Object.entries(isStale ? {} : snapshot.groups)) {
      const members = groups.get(name)?.members;
      // Who governs approves nothing, whatever group a source puts them in.
      for (const id of ids)
        if (members?.includes(id) === false && people.has(id) && !governs(id)) members.push(id);
    }
  const head = sources.map(
    ({ snapshot, digest, isStale }) =>
      `# ${snapshot.source}: snapshot ${digest}${isStale ? ', stale' : ''}\n`,
  );
  const written: Readonly<Record<string, unknown>> = {
    ...root,
    people: Object.fromEntries(people),
    groups: Object.fromEntries(groups),
  };
  return (
    head.join('') +
    Object.entries(written)
      .map(([name, value]) => sectionOf(name, value))
      .join('')
  );
}

const rolesOf = (person: Written | undefined): readonly string[] =>
  (person?.roles ?? []).map((held) => (typeof held === 'string' ? held : held.role));

const accountName = (connector: string, account: string): string =>
  `${connector} ${account.normalize('NFC')}`;

/** An account that somebody else has already is left out: it would let the lease of one keep the access of the other alive. */
function personOf(person: SourcePerson, own: Written | undefined, taken: Set<string>): Written {
  const accounts = Object.fromEntries(
    Object.entries(person.accounts).filter(([connector, account]) => {
      if (own !== undefined && Object.hasOwn(own.accounts, connector)) return false;
      const name = accountName(connector, account);
      if (taken.has(name)) return false;
      taken.add(name);
      return true;
    }),
  );
  const ends = [own?.endDate, person.endsAt].filter((end) => end !== undefined);
  const [endDate] = ends.sort((a, b) => Date.parse(a) - Date.parse(b));
  return {
    name: person.name,
    ...(person.sponsor !== undefined && { sponsor: person.sponsor }),
    roles: [],
    ...own,
    enabled: person.active && own?.enabled !== false,
    ...(endDate !== undefined && { endDate }),
    accounts: { ...accounts, ...own?.accounts },
  };
}

/** One entry a line, so that two versions can be compared by `diff`. */
function sectionOf(name: string, value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || Object.keys(value).length === 0)
    return `${name}: ${JSON.stringify(value)}\n`;
  const lines = Object.entries(value).map(([key, entry]) => `  ${keyOf(key)}: ${JSON.stringify(entry)}\n`);
  return `${name}:\n${lines.join('')}`;
}

const keyOf = (key: string): string => (/^[A-Za-z][\w./@-]*$/.test(key) ? key : JSON.stringify(key));
