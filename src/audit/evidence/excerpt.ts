import { parseDocument } from 'yaml';
import { z } from 'zod';
import { MOST_ROWS, registerRowSchema } from '../../contracts/enrolment';
import type { Directory, Identity, RegisteredKey } from '../../directory/directory';
import { directorySchema, principalsOf } from '../../directory/directory-file';
import { FileDirectory } from '../../directory/file-directory';
import { readPublicKey } from '../../directory/public-key';
import { readKeys } from '../../directory/read-keys';
import {
  type Composed,
  composeDirectory,
  decodeRows,
  EnrolledDirectory,
} from '../../directory/register/enrolled-directory';
import { rowId } from '../../directory/register/row';
import { YamlFile } from '../../directory/yaml-file';
import { type Digest, digestOfText } from '../../domain/digest';
import type { PrincipalId, Standing } from '../../domain/principal';
import { rowSignatures } from '../../signing/enrolment';
import { readVersion } from './directory-version';

/** Names and titles decide nothing and are personal data, so they are left out. */
const WITHHELD = 'withheld';
const withheld = z.literal(WITHHELD);

/**
 * The part of one version of the directory that was read while a request was decided, in the directory's own form: the
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
  register: z
    .array(registerRowSchema)
    .min(1)
    .max(MOST_ROWS)
    .exactOptional()
    .describe('rows of the register that the enrolled keys among the signers rest on'),
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
const registrationSchema = z
  .object({ jwk: z.unknown().optional(), passkey: z.object({ credentialId: z.string() }).optional() })
  .catch({ jwk: undefined });
type Entry = Readonly<Record<string, z.core.util.JSONType>>;

/** Everything that was looked up in a directory. */
interface Asked {
  readonly principals: Set<PrincipalId>;
  readonly standings: Set<PrincipalId>;
  readonly groups: Set<string>;
  readonly keyIds: Set<string>;
  /** Rows of the register that enrolled keys rest on. */
  readonly rows: Set<Digest>;
}

/** A directory that records each lookup, so that the excerpt contains exactly what was looked up. */
export class AskedDirectory implements Directory {
  readonly digest: Digest;
  readonly #asked: Asked = {
    principals: new Set(),
    standings: new Set(),
    groups: new Set(),
    keyIds: new Set(),
    rows: new Set(),
  };

  constructor(
    private readonly directory: FileDirectory,
    private readonly text: string,
    private readonly composed: Composed,
  ) {
    this.digest = composed.directory.digest;
  }

  identity(id: PrincipalId): Identity | undefined {
    this.#asked.principals.add(id);
    return this.directory.identity(id);
  }

  standingOf(id: PrincipalId, atMs: number): Standing | undefined {
    this.#asked.standings.add(id);
    return this.directory.standingOf(id, atMs);
  }

  keyById(keyId: string, atMs: number): RegisteredKey | undefined {
    this.#asked.keyIds.add(keyId);
    const support = this.composed.directory.enrolled(keyId)?.support;
    for (const id of support?.rows ?? []) this.#asked.rows.add(id);
    for (const id of support?.keyIds ?? []) this.#asked.keyIds.add(id);
    for (const id of support?.principals ?? []) this.#asked.standings.add(id);
    return this.composed.directory.keyById(keyId, atMs);
  }

  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined {
    this.#asked.standings.add(id);
    return this.directory.delegateOf(id, atMs);
  }

  holderOf(attribute: string, value: string): PrincipalId | undefined {
    const holder = this.directory.holderOf(attribute, value);
    if (holder !== undefined) this.#asked.principals.add(holder);
    return holder;
  }

  membersOf(group: string, atMs: number): readonly PrincipalId[] {
    this.#asked.groups.add(group);
    for (const id of this.directory.allMembersOf(group)) this.#asked.standings.add(id);
    return this.directory.membersOf(group, atMs);
  }

  /** Returns the parts of its text that were looked up. */
  excerpt(): DirectoryExcerpt {
    const { people, identities, groups, delegations } = fullSchema.parse(parseDocument(this.text).toJS());
    const holders = new Set([...this.#asked.principals, ...this.#asked.standings]);
    const entries = { ...people, ...identities };
    for (const [id, entry] of Object.entries(entries))
      if (keysOf(entry).some((key) => this.#asked.keyIds.has(keyIdOf(key)))) holders.add(id);
    // Whether a delegation counts also depends on the delegate's own absence.
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
    const register = this.composed.rows
      .filter((row) => this.#asked.rows.has(rowId(row)))
      .sort((a, b) => (rowId(a) < rowId(b) ? -1 : 1));
    return excerptSchema.parse({
      people: cut(people, 'name'),
      identities: cut(identities, 'title'),
      groups: Object.fromEntries(kept),
      ...(absences.length > 0 && { delegations: absences }),
      ...(register.length > 0 && { register }),
    });
  }

  #entry(id: PrincipalId, { keys: _keys, accounts, ...rest }: Entry): Entry {
    const keys = keysOf({ keys: _keys ?? [] }).filter((key) => this.#asked.keyIds.has(keyIdOf(key)));
    // Accounts are shown only for identities that were looked up, not for members of a group.
    const shown = accounts !== undefined && this.#asked.principals.has(id) ? { accounts } : {};
    return { ...rest, ...shown, ...(keys.length > 0 && { keys }) };
  }
}

const keysOf = (entry: Entry): readonly z.core.util.JSONType[] =>
  Array.isArray(entry['keys']) ? entry['keys'] : [];

/** Returns the id of a registered key: the credential id of a passkey, or the thumbprint of a JWK. */
function keyIdOf(registration: z.core.util.JSONType): string {
  const { jwk, passkey } = registrationSchema.parse(registration);
  if (passkey !== undefined) return passkey.credentialId;
  const read = readPublicKey(jwk);
  return read.ok ? read.keyId : '';
}

export type ReadDirectory =
  | { readonly ok: true; readonly directory: Directory }
  | { readonly ok: false; readonly message: string };

/** Builds a directory that knows only what the excerpt contains. Enrolled keys count by the signatures in their rows. */
export async function directoryOfExcerpt(
  { register = [], ...excerpt }: DirectoryExcerpt,
  digest: Digest,
): Promise<ReadDirectory> {
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
  const file = new FileDirectory(decoded.data, keys, digest);
  if (register.length === 0) return { ok: true, directory: file };
  const rows = decodeRows(register);
  const { directory, rows: inForce } = await composeDirectory(file, rows, rowSignatures());
  if (inForce.length !== register.length) {
    const [refusal] = rows.flatMap(({ id }) => directory.judged.refusals.get(id) ?? []);
    const why = refusal === undefined ? 'no key in force rests on it' : `${refusal.code}: ${refusal.detail}`;
    return { ok: false, message: `a row of the register does not count: ${why}` };
  }
  return { ok: true, directory: new EnrolledDirectory(file, directory.judged, digest) };
}

/** Builds a directory from a whole version (`readVersion`), which records each lookup. Returns undefined if it is not valid. */
export async function askedDirectoryOf(text: string): Promise<AskedDirectory | undefined> {
  const { file, rows } = readVersion(text);
  const decoded = directorySchema.safeParse(parseDocument(file).toJS());
  if (!decoded.success) return undefined;
  const { keys } = readKeys(new YamlFile('directory.yaml', file), decoded.data);
  const directory = new FileDirectory(decoded.data, keys, digestOfText(file));
  return new AskedDirectory(directory, file, await composeDirectory(directory, rows, rowSignatures()));
}
