import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';

/** What the gate notes of a call. Arguments and results are in it as digests only: they may hold secrets. */
export type CallRecord = Readonly<Record<string, unknown>> & { readonly event: string };

/**
 * The gate's own record of every call, in a file that is only added to. Each line carries the digest of the one before, so that a
 * line which is changed or taken out is noticed. Lines that come together are written and synced together.
 */
export class CallLog {
  #queue: { readonly line: string; readonly done: (error?: Error) => void }[] = [];
  #writing: Promise<void> | undefined;
  #previous = '';
  #broken: Error | undefined;

  private constructor(
    private readonly file: FileHandle,
    readonly path: string,
    private readonly nowMs: () => number,
  ) {}

  /** Opens a new file in a folder, or the file of this name. */
  static async open(dir: string, name: string, nowMs: () => number = Date.now): Promise<CallLog> {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    const file = path.join(dir, name);
    return new CallLog(await open(file, 'a', 0o600), file, nowMs);
  }

  /** Resolves once the record is on the disk. Rejects if it cannot be written; then nothing that depends on it may happen. */
  append(record: CallRecord): Promise<void> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    const line = JSON.stringify({
      at: new Date(this.nowMs()).toISOString(),
      ...record,
      previous: this.#previous,
    });
    this.#previous = createHash('sha256').update(line).digest('base64url');
    return new Promise((resolve, reject) => {
      this.#queue.push({ line, done: (error) => (error === undefined ? resolve() : reject(error)) });
      this.#writing ??= this.#write();
    });
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.file.close();
  }

  async #write(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      try {
        if (this.#broken !== undefined) throw this.#broken;
        await this.file.appendFile(batch.map(({ line }) => `${line}\n`).join(''));
        await this.file.datasync();
        for (const { done } of batch) done();
      } catch (error) {
        // After a failed write nobody knows what is in the file, so nothing is added to it any more.
        this.#broken = error instanceof Error ? error : new Error('the record cannot be written');
        for (const { done } of batch) done(this.#broken);
      }
    }
    this.#writing = undefined;
  }
}
