import { parseDocument } from 'yaml';
import { z } from 'zod';
import type { DirectoryBook, Identity, RegisteredKey } from '../../directory/directory-book';
import { directorySchema, principalsOf } from '../../directory/directory-file';
import { FileDirectoryBook } from '../../directory/file-directory-book';
import { readPublicKey } from '../../directory/public-key';
import { readKeys } from '../../directory/read-keys';
import { YamlFile } from '../../directory/yaml-file';
import { type Digest, digestOfText } from '../../domain/digest';
import type { PrincipalId, Standing } from '../../domain/principal';

/** Names and titles decide nothing, and are nobody's business but the directory's. */
const WITHHELD = 'withheld';
const withheld = z.literal(WITHHELD);

/**
 * As much of one version of the directory as was asked while a request was decided, in the directory's own words: the
 * people and identities, the groups, and the public keys whose signatures are in the evidence.
 */
export const excerptSchema = z.strictObject({
  people: z.record(z.string(), z.looseObject({ name: withheld, keys: z.array(z.json()).exactOptional() })),
  identities: z.record(
    z.string(),
    z.looseObject({ title: withheld, keys: z.array(z.json()).exactOptional() }),
  ),
  groups: z.record(z.string(), z.strictObject({ title: withheld, members: z.array(z.string()) })),
  delegations: z
    .array(z.strictObject({ from: z.string(), to: z.string(), since: z.string(), until: z.string() }))
    .exactOptional(),
});
export type DirectoryExcerpt = z.infer<typeof excerptSchema>;

const fullSchema = z.object({
  people: z.record(z.string(), z.record(z.string(), z.json())),
  identities: z.record(z.string(), z.record(z.string(), z.json())).default({}),
  groups: z.record(z.string(), z.object({ members: z.array(z.string()) })).default({}),
  delegations: z
    .array(z.object({ from: z.string(), to: z.string(), since: z.string(), until: z.string() }))
    .default([]),
});
type Entry = Readonly<Record<string, z.core.util.JSONType>>;

/** What was asked of a directory. */
interface Asked {
  readonly principals: Set<PrincipalId>;
  readonly standings: Set<PrincipalId>;
  readonly groups: Set<string>;
  readonly keyIds: Set<string>;
}

/** A directory that remembers what it was asked, for the excerpt to hold just that. */
export class AskedDirectory implements DirectoryBook {
  readonly digest: Digest;
  readonly #asked: Asked = {
    principals: new Set(),
    standings: new Set(),
    groups: new Set(),
    keyIds: new Set(),
  };

  constructor(
    private readonly book: FileDirectoryBook,
    private readonly text: string,
  ) {
    this.digest = book.digest;
  }

  identity(id: PrincipalId): Identity | undefined {
    this.#asked.principals.add(id);
    return this.book.identity(id);
  }

  standingOf(id: PrincipalId, atMs: number): Standing | undefined {
    this.#asked.standings.add(id);
    return this.book.standingOf(id, atMs);
  }

  keyById(keyId: string, atMs: number): RegisteredKey | undefined {
    this.#asked.keyIds.add(keyId);
    return this.book.keyById(keyId, atMs);
  }

  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined {
    this.#asked.standings.add(id);
    return this.book.delegateOf(id, atMs);
  }

  membersOf(group: string, atMs: number): readonly PrincipalId[] {
    this.#asked.groups.add(group);
    for (const id of this.book.allMembersOf(group)) this.#asked.standings.add(id);
    return this.book.membersOf(group, atMs);
  }

  /** What it was asked, cut out of its text. */
  excerpt(): DirectoryExcerpt {
    const { people, identities, groups, delegations } = fullSchema.parse(parseDocument(this.text).toJS());
    const holders = new Set([...this.#asked.principals, ...this.#asked.standings]);
    const entries = { ...people, ...identities };
    for (const [id, entry] of Object.entries(entries))
      if (keysOf(entry).some((key) => this.#asked.keyIds.has(thumbprintOf(key)))) holders.add(id);
    // Who stands in for whom depends on who is away, and on who is away of those who stand in.
    const touching = delegations.filter(({ from, to }) => holders.has(from) || holders.has(to));
    for (const { from, to } of touching) holders.add(from).add(to);
    const absences = delegations.filter(({ from, to }) => holders.has(from) || holders.has(to));
    const cut = (from: Readonly<Record<string, Entry>>, naming: 'name' | 'title') =>
      Object.fromEntries(
        Object.entries(from)
          .filter(([id]) => holders.has(id))
          .map(([id, entry]) => [id, { ...this.#entry(id, entry), [naming]: WITHHELD }]),
      );
    const kept = Object.entries(groups).flatMap(([name, { members }]) => {
      const shown = this.#asked.groups.has(name) ? members : members.filter((id) => holders.has(id));
      return shown.length === 0 && !this.#asked.groups.has(name)
        ? []
        : [[name, { title: WITHHELD, members: shown }] as const];
    });
    return excerptSchema.parse({
      people: cut(people, 'name'),
      identities: cut(identities, 'title'),
      groups: Object.fromEntries(kept),
      ...(absences.length > 0 && { delegations: absences }),
    });
  }

  #entry(id: PrincipalId, { keys: _keys, accounts, ...rest }: Entry): Entry {
    const keys = keysOf({ keys: _keys ?? [] }).filter((key) => this.#asked.keyIds.has(thumbprintOf(key)));
    // Accounts on targets are asked of identities; of whoever only stands in a group they are not shown.
    const shown = accounts !== undefined && this.#asked.principals.has(id) ? { accounts } : {};
    return { ...rest, ...shown, ...(keys.length > 0 && { keys }) };
  }
}

const keysOf = (entry: Entry): readonly z.core.util.JSONType[] =>
  Array.isArray(entry['keys']) ? entry['keys'] : [];

function thumbprintOf(registration: z.core.util.JSONType): string {
  const jwk =
    typeof registration === 'object' && registration !== null && 'jwk' in registration
      ? registration['jwk']
      : undefined;
  const read = readPublicKey(jwk);
  return read.ok ? read.keyId : '';
}

export type ReadBook =
  | { readonly ok: true; readonly book: FileDirectoryBook }
  | { readonly ok: false; readonly message: string };

/** The directory that an excerpt makes; it knows nobody else. */
export function bookOfExcerpt(excerpt: DirectoryExcerpt, digest: Digest): ReadBook {
  const decoded = directorySchema.safeParse(excerpt);
  if (!decoded.success) {
    const [issue] = decoded.error.issues;
    return { ok: false, message: `${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}` };
  }
  const { keys, problems } = readKeys(new YamlFile('excerpt', ''), decoded.data);
  const [problem] = problems;
  if (problem !== undefined) return { ok: false, message: problem.message };
  const known = new Set(principalsOf(decoded.data).map(({ id }) => id));
  for (const { members } of Object.values(decoded.data.groups))
    for (const id of members) if (!known.has(id)) return { ok: false, message: `${id} is missing` };
  return { ok: true, book: new FileDirectoryBook(decoded.data, keys, digest) };
}

/** The whole of a directory file, remembering what it is asked. */
export function askedDirectoryOf(text: string): AskedDirectory | undefined {
  const decoded = directorySchema.safeParse(parseDocument(text).toJS());
  if (!decoded.success) return undefined;
  const { keys } = readKeys(new YamlFile('directory.yaml', text), decoded.data);
  return new AskedDirectory(new FileDirectoryBook(decoded.data, keys, digestOfText(text)), text);
}
