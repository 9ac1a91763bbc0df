import { randomUUID } from 'node:crypto';
import { access, link, mkdir, open, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { readBounded } from '../evidence/bounded-file';
import { AlreadyWritten, type ArchiveSink, checkedName, LARGEST_ITEM_BYTES } from './sink';

/** An archive in a folder. Files appear completely or not at all, are read-only, and are never replaced. */
export class FolderSink implements ArchiveSink {
  constructor(private readonly dir: string) {}

  get place(): string {
    return this.dir;
  }

  async has(name: string): Promise<boolean> {
    return (await this.get(name)) !== undefined;
  }

  async put(name: string, content: Buffer): Promise<void> {
    const file = this.#fileOf(name);
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${randomUUID()}.new`;
    try {
      const handle = await open(draft, 'wx', 0o400);
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      // Creating a link is atomic, and never replaces another file.
      await link(draft, file);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      if (!(await readBounded(file, LARGEST_ITEM_BYTES)).equals(content)) throw new AlreadyWritten(name);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async get(name: string): Promise<Buffer | undefined> {
    const file = this.#fileOf(name);
    try {
      await access(file);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    return readBounded(file, LARGEST_ITEM_BYTES);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = await readdir(this.dir, { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isCode(error, 'ENOENT')) return [];
        throw error;
      },
    );
    return names
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.new'))
      .map((entry) =>
        path.relative(this.dir, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'),
      )
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  async close(): Promise<void> {}

  #fileOf(name: string): string {
    return path.join(this.dir, checkedName(name));
  }
}

const isCode = (error: unknown, code: string): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === code;
