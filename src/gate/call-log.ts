import { createHash } from 'node:crypto';
import { constants, mkdirSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { tryDigestOf } from '../domain/digest';

/** What the gate notes of a call. Arguments and results are in it as digests only: they may hold secrets. */
export type CallRecord = Readonly<Record<string, unknown>> & { readonly event: string };

/**
 * How much the file grows at a time. Within what it has, a sync has no size of the file to write, which makes it several times
 * faster. What is not used yet is line feeds, so that a gate that was killed leaves empty lines and nothing else.
 */
const ROOM = Buffer.alloc(128 * 1024, '\n');
/** After how long the record of an end is on the disk, if no call needs it there before. */
const SYNCED_WITHIN_MS = 100;

/**
 * The gate's own record of every call, in a file of its own. Each line carries the digest of the one before, so that a line which is
 * changed or taken out is noticed. Lines are handed to the system at once; calls that came together share a sync, and so does what comes while
 * one is under way.
 */
export class CallLog {
  #waiting: ((error?: Error) => void)[] = [];
  #syncing: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  #previous = '';
  #room: number;
  #broken: Error | undefined;

  private constructor(
    private readonly file: FileHandle,
    readonly path: string,
    private readonly nowMs: () => number,
    /** Where the next line begins. */
    private end: number,
  ) {
    this.#room = end;
  }

  /** Opens a new file in a folder, or the file of this name. */
  static async open(dir: string, name: string, nowMs: () => number = Date.now): Promise<CallLog> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, name);
    const opened = await open(file, constants.O_WRONLY | constants.O_CREAT, 0o600);
    await syncFolder(dir);
    const { size } = await opened.stat();
    return new CallLog(opened, file, nowMs, size);
  }

  /** Resolves once the record is on the disk. Rejects if it cannot be written; then nothing that depends on it may happen. */
  append(record: CallRecord): Promise<void> {
    try {
      this.#write(record);
    } catch (error) {
      return Promise.reject(this.#break(error));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push((error) => (error === undefined ? resolve() : reject(error)));
      this.#syncing ??= this.#sync();
    });
  }

  /**
   * Writes a record that nothing waits for. It outlives the gate at once, and a loss of power after a moment. Does not throw: what
   * cannot be written makes every later `append` fail.
   */
  note(record: CallRecord): void {
    try {
      this.#write(record);
    } catch (error) {
      this.#break(error);
      return;
    }
    if (this.#syncing !== undefined || this.#later !== undefined) return;
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.#waiting.push(() => undefined);
      this.#syncing ??= this.#sync();
    }, SYNCED_WITHIN_MS);
    this.#later.unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#later);
    await this.#syncing;
    if (this.#broken === undefined) {
      await this.file.truncate(this.end);
      await this.file.datasync();
    }
    await this.file.close();
  }

  #write(record: CallRecord): void {
    if (this.#broken !== undefined) throw this.#broken;
    const at = new Date(this.nowMs()).toISOString();
    const line = JSON.stringify({ at, ...record, previous: this.#previous });
    const bytes = Buffer.from(`${line}\n`);
    while (this.#room < this.end + bytes.length) {
      writeWhole(this.file.fd, ROOM, this.#room);
      this.#room += ROOM.length;
    }
    writeWhole(this.file.fd, bytes, this.end);
    this.end += bytes.length;
    this.#previous = createHash('sha256').update(line).digest('base64url');
  }

  async #sync(): Promise<void> {
    // Calls that came together are all decided by then, and share the sync.
    await setImmediate();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      clearTimeout(this.#later);
      this.#later = undefined;
      try {
        if (this.#broken !== undefined) throw this.#broken;
        await this.file.datasync();
        for (const done of batch) done();
      } catch (error) {
        const broken = this.#break(error);
        for (const done of batch) done(broken);
      }
    }
    this.#syncing = undefined;
  }

  /** After a failed write nobody knows what is in the file, so nothing is added to it any more. */
  #break(error: unknown): Error {
    this.#broken ??= error instanceof Error ? error : new Error('the record cannot be written');
    return this.#broken;
  }
}

/** Returns what the record has of a result. A result that cannot be written as canonical JSON has no digest. */
export function digestOfResult(result: unknown): { readonly result?: string } {
  const digest = result === undefined ? undefined : tryDigestOf(result);
  return digest?.ok === true ? { result: digest.value } : {};
}

function writeWhole(fd: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
}

/** A new file is only safe once its folder is. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
