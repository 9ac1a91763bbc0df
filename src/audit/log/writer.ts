import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { type Checkpoint, openCheckpoint, signCheckpoint } from './checkpoint';
import { HASH_BYTES, type Hash, leafHash, rootOf } from './merkle';
import { type NoteSigner, readNoteVerifier } from './note';
import { CHECKPOINT_FILE } from './reader';
import {
  bundleOf,
  hashInTile,
  LONGEST_RECORD_BYTES,
  readTile,
  recordsIn,
  TILE_HEIGHT,
  TILE_WIDTH,
  tilePath,
} from './tiles';

/**
 * Appends to a log in a folder. Tiles are written before the checkpoint that covers them, so a crash
 * leaves the log as it was. There may be one writer at a time. A second one does no harm only if it appends the same leaves, because
 * every file follows from them; `enterIntoLog` sees to that.
 */
export class LogWriter {
  /** The hashes of the last tile of each row, which is not full yet. */
  readonly #edge: Hash[][] = [];
  #records: Uint8Array[] = [];
  #size = 0;
  #note: string | undefined;
  /** Folders with new files since the last checkpoint, and folders of partial tiles that the next one does not need. */
  readonly #changed = new Set<string>();
  readonly #dropped = new Set<string>();

  private constructor(
    private readonly dir: string,
    private readonly signer: NoteSigner,
  ) {}

  /**
   * Opens a log, or starts a new one.
   *
   * @param note the checkpoint to go on from, if it is another than that in the folder, which is then replaced
   * @throws Error if the folder holds something else than a log of this key
   */
  static open(dir: string, signer: NoteSigner, note?: string): LogWriter {
    const writer = new LogWriter(dir, signer);
    const file = path.join(dir, CHECKPOINT_FILE);
    const inFolder = existsSync(file) ? readTile(file).toString('utf8') : undefined;
    const last = note ?? inFolder;
    if (last === undefined) return writer;
    const verifier = readNoteVerifier(signer.verifierKey);
    const opened = verifier && openCheckpoint(last, verifier);
    if (!opened?.ok) throw new Error(`${file}: ${opened?.message ?? 'the key cannot be read'}`);
    writer.#resume(opened.checkpoint);
    writer.#note = last;
    if (last !== inFolder) writer.#write(CHECKPOINT_FILE, Buffer.from(last));
    return writer;
  }

  /** The signed checkpoint of what was appended; undefined for an empty log. */
  get note(): string | undefined {
    return this.#note;
  }

  get size(): number {
    return this.#size;
  }

  /** Appends records and signs the new tree head. Returns the number of the first record's leaf. */
  append(records: readonly Uint8Array[]): number {
    const first = this.#size;
    for (const record of records) {
      if (record.length > LONGEST_RECORD_BYTES)
        throw new TypeError('a record of a log may have 64 KiB at most');
      this.#records.push(record);
      this.#size += 1;
      this.#push(0, leafHash(record));
      if (this.#records.length === TILE_WIDTH) this.#closeBundle();
    }
    this.#writePartials();
    const checkpoint = { origin: this.signer.name, size: this.#size, root: this.#root() };
    // After a power loss, everything that a checkpoint covers must be there, so sync it first.
    for (const folder of this.#changed) syncFolder(folder);
    this.#changed.clear();
    this.#note = signCheckpoint(checkpoint, this.signer);
    this.#write(CHECKPOINT_FILE, Buffer.from(this.#note));
    syncFolder(this.dir);
    for (const folder of this.#dropped) rmSync(folder, { recursive: true, force: true });
    this.#dropped.clear();
    return first;
  }

  #push(level: number, hash: Hash): void {
    const tile = this.#edge[level] ?? [];
    this.#edge[level] = tile;
    tile.push(hash);
    if (tile.length < TILE_WIDTH) return;
    const content = Buffer.concat(tile);
    const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1)) - 1;
    this.#write(tilePath({ level, index, width: TILE_WIDTH }), content);
    this.#dropPartials(level, index);
    this.#edge[level] = [];
    this.#push(level + 1, hashInTile(content, TILE_HEIGHT, 0));
  }

  #closeBundle(): void {
    const index = this.#size / TILE_WIDTH - 1;
    this.#write(tilePath({ level: 'entries', index, width: TILE_WIDTH }), bundleOf(this.#records));
    this.#dropPartials('entries', index);
    this.#records = [];
  }

  #writePartials(): void {
    for (const [level, tile] of this.#edge.entries()) {
      if (tile.length === 0) continue;
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
      this.#write(tilePath({ level, index, width: tile.length }), Buffer.concat(tile));
    }
    if (this.#records.length === 0) return;
    const index = Math.floor(this.#size / TILE_WIDTH);
    this.#write(tilePath({ level: 'entries', index, width: this.#records.length }), bundleOf(this.#records));
  }

  /** Marks partial tiles for removal after the next checkpoint, because a full tile replaces them. */
  #dropPartials(level: number | 'entries', index: number): void {
    this.#dropped.add(path.join(this.dir, path.dirname(tilePath({ level, index, width: 1 }))));
  }

  #root(): Hash {
    // Every complete subtree of the root ends in a tile of the edge.
    return rootOf(this.#size, (level, index) => {
      const row = Math.floor(level / TILE_HEIGHT);
      const height = level % TILE_HEIGHT;
      const tile = this.#edge[row] ?? [];
      const perTile = 2 ** (TILE_HEIGHT - height);
      return hashInTile(Buffer.concat(tile), height, index % perTile);
    });
  }

  #resume({ size }: Checkpoint): void {
    this.#size = size;
    for (let level = 0; TILE_WIDTH ** level <= size; level += 1) {
      const row = Math.floor(size / TILE_WIDTH ** level);
      const [index, width] = [Math.floor(row / TILE_WIDTH), row % TILE_WIDTH];
      const tile = width === 0 ? Buffer.alloc(0) : this.#readTile(level, index, width);
      this.#edge[level] = Array.from({ length: width }, (_, place) =>
        tile.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES),
      );
    }
    const [index, width] = [Math.floor(size / TILE_WIDTH), size % TILE_WIDTH];
    this.#records = width === 0 ? [] : recordsIn(this.#readTile('entries', index, width)).slice(0, width);
  }

  /** Reads a tile. After a crash there may be a full tile where the checkpoint covers a partial one. */
  #readTile(level: number | 'entries', index: number, width: number): Buffer {
    const [partial, full] = [width, TILE_WIDTH].map((wide) =>
      path.join(this.dir, tilePath({ level, index, width: wide })),
    );
    return readTile(full !== undefined && existsSync(full) ? full : (partial ?? ''));
  }

  /** Writes a file atomically, also in case of a power loss. */
  #write(name: string, content: Buffer): void {
    const file = path.join(this.dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    for (let folder = path.dirname(name); folder !== '.'; folder = path.dirname(folder))
      this.#changed.add(path.join(this.dir, folder));
    const draft = `${file}.${randomUUID()}.new`;
    const handle = openSync(draft, 'w');
    try {
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
