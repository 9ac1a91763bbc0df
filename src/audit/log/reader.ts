import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Checkpoint, openCheckpoint, type ReadCheckpoint } from './checkpoint';
import {
  consistencyProof,
  HASH_BYTES,
  type Hash,
  includes,
  inclusionProof,
  leafHash,
  type ReadHash,
  rootOf,
} from './merkle';
import type { NoteVerifier } from './note';
import type { InclusionProof } from './proof-file';
import { hashInTile, readTile, recordsIn, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tiles';

export const CHECKPOINT_FILE = 'checkpoint';
const KEPT_TILES = 1_024;

/** Reads a log in a folder, up to the size of one of its checkpoints. Trusts nothing but the log's key. */
export class LogReader {
  readonly #tiles = new Map<string, Buffer>();

  private constructor(
    private readonly dir: string,
    readonly checkpoint: Checkpoint,
    /** The signed note. */
    readonly note: string,
  ) {}

  /** Opens a log at its latest checkpoint, or at another one. */
  static open(
    dir: string,
    verifier: NoteVerifier,
    at?: string,
  ): { readonly ok: true; readonly log: LogReader } | { readonly ok: false; readonly message: string } {
    const file = path.join(dir, CHECKPOINT_FILE);
    if (at === undefined && !existsSync(file))
      return { ok: false, message: `${dir} is not a log: it has no file "checkpoint"` };
    const note = at ?? readTile(file).toString('utf8');
    const opened: ReadCheckpoint = openCheckpoint(note, verifier);
    if (!opened.ok) return { ok: false, message: `${file}: ${opened.message}` };
    const log = new LogReader(dir, opened.checkpoint, note);
    return log.#isWhole()
      ? { ok: true, log }
      : { ok: false, message: `${dir}: the tiles do not lead to the signed root` };
  }

  /** Proves that the leaf with that number is in the log. */
  prove(index: number): InclusionProof {
    return {
      index,
      hashes: inclusionProof(index, this.checkpoint.size, this.#read),
      checkpoint: this.note,
    };
  }

  /** Proves that the log begins with what it was at an earlier size. */
  proveConsistency(oldSize: number): readonly Hash[] {
    return consistencyProof(oldSize, this.checkpoint.size, this.#read);
  }

  /**
   * Returns the number of a record's leaf; undefined if the log does not contain it. Searches the latest leaves first.
   *
   * @throws Error if a tile contains it, but the tile does not lead to the root
   */
  find(record: Uint8Array): number | undefined {
    const wanted = leafHash(record);
    const { size } = this.checkpoint;
    for (let tile = Math.ceil(size / TILE_WIDTH) - 1; tile >= 0; tile -= 1) {
      const hashes = this.#tile(0, tile);
      const width = Math.min(TILE_WIDTH, size - tile * TILE_WIDTH);
      for (let place = 0; place < width; place += 1)
        if (wanted.equals(hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)))
          return this.#proven(wanted, tile * TILE_WIDTH + place);
    }
    return undefined;
  }

  /** Returns the number of a leaf, after checking that its tile leads to the root. */
  #proven(leaf: Hash, index: number): number {
    const { size, root } = this.checkpoint;
    if (includes(leaf, index, size, this.prove(index).hashes, root)) return index;
    throw new Error(`${this.dir}: the tiles of leaf ${index} do not lead to the signed root`);
  }

  /**
   * Checks everything: each hash of a tile must follow from those below it, each leaf from its record. Opening a log only
   * checks the hashes that lead to the root.
   *
   * @returns the first inconsistency, or undefined
   */
  check(): string | undefined {
    const { size } = this.checkpoint;
    try {
      for (let level = 1; TILE_WIDTH ** level <= size; level += 1) {
        const tiles = Math.floor(size / TILE_WIDTH ** level);
        for (let index = 0; index < tiles; index += 1)
          if (!hashInTile(this.#tile(level - 1, index), TILE_HEIGHT, 0).equals(this.#hash(level, index)))
            return `tile ${level - 1}/${index} does not lead to the hash above it`;
      }
      for (let bundle = 0; bundle * TILE_WIDTH < size; bundle += 1) {
        const records = recordsIn(this.#tile('entries', bundle));
        const width = Math.min(TILE_WIDTH, size - bundle * TILE_WIDTH);
        for (let place = 0; place < width; place += 1) {
          const [record, index] = [records[place], bundle * TILE_WIDTH + place];
          if (record === undefined) return `the record of leaf ${index} is missing`;
          if (!leafHash(record).equals(this.#hash(0, index)))
            return `leaf ${index} is not the hash of its record`;
        }
      }
      return undefined;
    } catch (error) {
      const why = isMissing(error) ? 'is missing' : 'cannot be read';
      return `a tile ${why}${isMissing(error) ? `: ${error.path}` : ''}`;
    }
  }

  /** Reads a hash from its tile. */
  #hash(level: number, index: number): Buffer {
    const place = (index % TILE_WIDTH) * HASH_BYTES;
    return this.#tile(level, Math.floor(index / TILE_WIDTH)).subarray(place, place + HASH_BYTES);
  }

  /** Reads the record of a leaf. */
  record(index: number): Buffer | undefined {
    const bundle = Math.floor(index / TILE_WIDTH);
    return recordsIn(this.#tile('entries', bundle))[index % TILE_WIDTH];
  }

  #isWhole(): boolean {
    const { size, root } = this.checkpoint;
    try {
      return rootOf(size, this.#read).equals(root);
    } catch {
      return false;
    }
  }

  readonly #read: ReadHash = (level, index) => {
    const row = Math.floor(level / TILE_HEIGHT);
    const height = level % TILE_HEIGHT;
    const perTile = 2 ** (TILE_HEIGHT - height);
    return hashInTile(this.#tile(row, Math.floor(index / perTile)), height, index % perTile);
  };

  #tile(level: number | 'entries', index: number): Buffer {
    const row =
      level === 'entries' ? this.checkpoint.size : Math.floor(this.checkpoint.size / TILE_WIDTH ** level);
    const width = Math.min(TILE_WIDTH, row - index * TILE_WIDTH);
    const name = tilePath({ level, index, width });
    const known = this.#tiles.get(name);
    if (known !== undefined) return known;
    // If the log has grown since, there is a full tile, which begins with the partial one.
    const [partial, full] = [name, tilePath({ level, index, width: TILE_WIDTH })].map((one) =>
      path.join(this.dir, one),
    );
    const file = full !== undefined && existsSync(full) ? full : (partial ?? '');
    const tile = readTile(file);
    if (this.#tiles.size >= KEPT_TILES) this.#tiles.clear();
    this.#tiles.set(name, tile);
    return tile;
  }
}

const isMissing = (error: unknown): error is { readonly path: string } =>
  typeof error === 'object' &&
  error !== null &&
  'code' in error &&
  error.code === 'ENOENT' &&
  'path' in error;
