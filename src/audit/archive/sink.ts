/**
 * Where evidence outlives the orchestrator. What was written once under a name is never changed by it: a second write of
 * the same is no error, and a write of something else under that name is refused. Calls throw where it cannot be reached.
 */
export interface ArchiveSink {
  /** For log lines and answers; holds no credential. */
  readonly place: string;
  has(name: string): Promise<boolean>;
  put(name: string, content: Buffer): Promise<void>;
  get(name: string): Promise<Buffer | undefined>;
  /** Names that begin with `prefix`, in the order of their letters. */
  list(prefix: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What is larger was not put there by us, and is not read. Evidence and versions of policy are smaller. */
export const LARGEST_ITEM_BYTES = 256 * 1024 * 1024;

/** Something there is larger than anything of ours. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';

  constructor(name: string) {
    super(`${name} is larger than ${LARGEST_ITEM_BYTES / 1_048_576} MiB, and is not read`);
  }
}

/** Something else was written under that name before. */
export class AlreadyWritten extends Error {
  override readonly name = 'AlreadyWritten';

  constructor(name: string) {
    super(`${name} is archived with another content, which stays`);
  }
}

const NAME = /^[a-z]+(\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){1,3}$/;

/** Names are made by us; this keeps a mistake from becoming a path out of the archive. */
export function checkedName(name: string): string {
  if (!NAME.test(name) || name.includes('..')) throw new TypeError(`${name} is no name in an archive`);
  return name;
}
