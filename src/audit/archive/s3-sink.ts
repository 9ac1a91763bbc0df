import type { S3Objects, S3Options } from './s3-objects';
import { AlreadyWritten, type ArchiveSink, checkedName } from './sink';

/** An archive in S3 or what speaks its protocol. Objects are written only if there is none of that name. */
export class S3Sink implements ArchiveSink {
  #objects: Promise<S3Objects> | undefined;

  constructor(private readonly options: S3Options) {}

  get place(): string {
    return `s3://${this.options.bucket}/${this.options.prefix}`;
  }

  async has(name: string): Promise<boolean> {
    return (await this.#storage()).exists(this.#keyOf(name));
  }

  async put(name: string, content: Buffer): Promise<void> {
    // Not every storage supports the condition, so also ask first.
    const there = await this.get(name);
    if (there === undefined && (await (await this.#storage()).create(this.#keyOf(name), content))) return;
    const stored = there ?? (await this.get(name));
    if (stored === undefined) throw new Error('another writer is writing this name; try again');
    if (!stored.equals(content)) throw new AlreadyWritten(name);
    await (await this.#storage()).keep(this.#keyOf(name));
  }

  async get(name: string): Promise<Buffer | undefined> {
    return (await this.#storage()).read(this.#keyOf(name));
  }

  async list(prefix: string): Promise<readonly string[]> {
    const keys = await (await this.#storage()).list(this.options.prefix + prefix);
    return keys.map((key) => key.slice(this.options.prefix.length)).sort();
  }

  async close(): Promise<void> {
    (await this.#objects)?.close();
  }

  #keyOf(name: string): string {
    return this.options.prefix + checkedName(name);
  }

  /** The SDK takes long to load, so only an archive in S3 loads it. */
  #storage(): Promise<S3Objects> {
    this.#objects ??= import('./s3-objects.js').then(({ S3Objects: Objects }) => new Objects(this.options));
    return this.#objects;
  }
}
