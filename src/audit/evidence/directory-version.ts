import canonicalize from 'canonicalize';
import { z } from 'zod';
import { MOST_ROWS, type RegisterRow, registerRowSchema } from '../../contracts/enrolment';
import { decodeRows, digestOfVersion } from '../../directory/register/enrolled-directory';
import { type DecodedRow, rowId } from '../../directory/register/row';
import { type Digest, digestOfText } from '../../domain/digest';

/*
 * A version of the directory as one text: that of `directory.yaml`, or, where rows of the register were in force over it, canonical JSON of
 * both. `directory.yaml` cannot look like that, for it has no member of this name.
 */

const versionSchema = z.strictObject({
  directory: z.string(),
  register: z.array(registerRowSchema).min(1).max(MOST_ROWS),
});
/** The same with digests in place of contents, as an archive keeps it; its own digest is that of the version. */
const listSchema = z.strictObject({
  directory: z.string(),
  register: z.array(z.string()).min(1).max(MOST_ROWS),
});
type VersionList = z.infer<typeof listSchema>;

export interface DirectoryVersion {
  /** The text of `directory.yaml`. */
  readonly file: string;
  readonly rows: readonly DecodedRow[];
  readonly digest: Digest;
}

/** Writes a directory file with the rows in force over it as one text. */
export function versionText(file: string, register: readonly RegisterRow[]): string {
  if (register.length === 0) return file;
  const sorted = [...register].sort((a, b) => (rowId(a) < rowId(b) ? -1 : 1));
  return canonicalize({ directory: file, register: sorted }) ?? '';
}

/** Reads a version of the directory. Text that is not such JSON is that of a file. */
export function readVersion(text: string): DirectoryVersion {
  const version = versionSchema.safeParse(parsed(text));
  if (!version.success) return { file: text, rows: [], digest: digestOfText(text) };
  const { directory: file, register } = version.data;
  return { file, rows: decodeRows(register), digest: digestOfVersion(digestOfText(file), register) };
}

/** Writes the list of what a version consists of. `digestOfText` of it is the digest of the version. */
export const versionList = (file: string, register: readonly RegisterRow[]): string =>
  canonicalize({ directory: digestOfText(file), register: [...new Set(register.map(rowId))].sort() }) ?? '';

/** Reads such a list. Returns undefined if the text is not one. */
export const readVersionList = (text: string): VersionList | undefined =>
  listSchema.safeParse(parsed(text)).data;

function parsed(text: string): unknown {
  try {
    return text.startsWith('{"directory":') ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
