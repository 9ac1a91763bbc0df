/**
 * A store in which evidence outlives the orchestrator. An item never changes: writing the same content again succeeds, and
 * writing other content under its name is refused. Calls throw if the store cannot be reached.
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

/** The largest item that is read. Evidence and versions of policy are smaller. */
export const LARGEST_ITEM_BYTES = 256 * 1024 * 1024;

/** An item is larger than anything that we write. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';

  constructor(name: string) {
    super(`${name} is larger than ${LARGEST_ITEM_BYTES / 1_048_576} MiB, so it was not read`);
  }
}

/** Other content was written under that name before. */
export class AlreadyWritten extends Error {
  override readonly name = 'AlreadyWritten';

  constructor(name: string) {
    super(`${name} is already archived with other content, which cannot be replaced`);
  }
}

const NAME = /^[a-z]+(\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}){1,3}$/;

/** Names are our own; this check keeps a mistake from becoming a path out of the archive. */
export function checkedName(name: string): string {
  if (!NAME.test(name) || name.includes('..'))
    throw new TypeError(`${name} is not a valid name in an archive`);
  return name;
}
