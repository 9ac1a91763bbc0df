import type { RegisterRow } from '../../contracts/enrolment';
import { type Digest, digestOf } from '../../domain/digest';
import type { PrincipalId, Standing } from '../../domain/principal';
import type { Directory, Identity, RegisteredKey } from '../directory';
import type { FileDirectory } from '../file-directory';
import { type EnrolledKey, type Holds, type Judged, judgeRegister } from './judge';
import { type DecodedRow, decodeRow, rowId } from './row';

/** A version of the directory file with the passkeys that are enrolled in the register. The file wins where both name a key. */
export class EnrolledDirectory implements Directory {
  constructor(
    private readonly file: Directory,
    readonly judged: Judged,
    readonly digest: Digest,
  ) {}

  keyById(keyId: string, atMs: number): RegisteredKey | undefined {
    return this.file.keyById(keyId, atMs) ?? this.enrolled(keyId)?.key;
  }

  /** Returns an enrolled key with what it rests on. Undefined if it is not in force. */
  enrolled(keyId: string): EnrolledKey | undefined {
    return this.judged.keys.get(keyId);
  }

  identity(id: PrincipalId): Identity | undefined {
    return this.file.identity(id);
  }

  standingOf(id: PrincipalId, atMs: number): Standing | undefined {
    return this.file.standingOf(id, atMs);
  }

  delegateOf(id: PrincipalId, atMs: number): PrincipalId | undefined {
    return this.file.delegateOf(id, atMs);
  }

  holderOf(attribute: string, value: string): PrincipalId | undefined {
    return this.file.holderOf(attribute, value);
  }

  membersOf(group: string, atMs: number): readonly PrincipalId[] {
    return this.file.membersOf(group, atMs);
  }
}

export interface Composed {
  readonly directory: EnrolledDirectory;
  /** The rows that the keys in force rest on. These alone, judged again, give the same keys. */
  readonly rows: readonly RegisterRow[];
}

/** Composes a version of the directory file with a register. The digest covers the file and every row in force. */
export async function composeDirectory(
  file: FileDirectory,
  rows: readonly DecodedRow[],
  holds: Holds,
): Promise<Composed> {
  const judged = await judgeRegister(rows, file, holds);
  const inForce = new Set([...judged.keys.values()].flatMap(({ support }) => [...support.rows]));
  const kept = rows.filter(({ id }) => inForce.has(id)).map(({ row }) => row);
  const digest = digestOfVersion(file.digest, kept);
  return { directory: new EnrolledDirectory(file, judged, digest), rows: kept };
}

/** The digest of a directory file with the rows in force over it. Without rows it is that of the file. */
export function digestOfVersion(file: Digest, rows: readonly RegisterRow[]): Digest {
  if (rows.length === 0) return file;
  return digestOf({ directory: file, register: [...new Set(rows.map(rowId))].sort() });
}

/** Decodes the rows that are some, each once. */
export function decodeRows(values: readonly unknown[]): readonly DecodedRow[] {
  const rows = values.flatMap((value) => decodeRow(value) ?? []);
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}
