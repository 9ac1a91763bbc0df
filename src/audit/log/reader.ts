import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Checkpoint, openCheckpoint, type ReadCheckpoint } from './checkpoint';
import {
  consistencyProof,
  HASH_BYTES,
  type Hash,
  inclusionProof,
  leafHash,
  type ReadHash,
  rootOf,
} from './merkle';
import type { NoteVerifier } from './note';
import type { InclusionProof } from './proof-file';
import { hashInTile, recordsIn, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tiles';

export const CHECKPOINT_FILE = 'checkpoint';
const KEPT_TILES = 1_024;

/** Reads a log that lies in a folder, up to the size of one of its checkpoints. Believes nothing but its key. */
export class LogReader {
  readonly #tiles = new Map<string, Buffer>();

  private constructor(
    private readonly dir: string,
    readonly checkpoint: Checkpoint,
    /** The signed note. */
    readonly note: string,
  ) {}

  /** Opens a log at its latest checkpoint. */
  static open(
    dir: string,
    verifier: NoteVerifier,
  ): { readonly ok: true; readonly log: LogReader } | { readonly ok: false; readonly message: string } {
    const file = path.join(dir, CHECKPOINT_FILE);
    if (!existsSync(file)) return { ok: false, message: `${dir} holds no log (there is no checkpoint)` };
    const note = readFileSync(file, 'utf8');
    const opened: ReadCheckpoint = openCheckpoint(note, verifier);
    if (!opened.ok) return { ok: false, message: `${file}: ${opened.message}` };
    const log = new LogReader(dir, opened.checkpoint, note);
    return log.#isWhole()
      ? { ok: true, log }
      : { ok: false, message: `${dir}: the tiles do not make the root` };
  }

  /** Proves that the leaf of that number is in the log. */
  prove(index: number): InclusionProof {
    return {
      index,
      hashes: inclusionProof(index, this.checkpoint.size, this.#read),
      checkpoint: this.note,
    };
  }

  /** Proves that the log, as it is, begins with what it was at an earlier size. */
  proveConsistency(oldSize: number): readonly Hash[] {
    return consistencyProof(oldSize, this.checkpoint.size, this.#read);
  }

  /** The number of a record's leaf, or nothing where the log does not hold it. The latest leaves are looked at first. */
  find(record: Uint8Array): number | undefined {
    const wanted = leafHash(record);
    const { size } = this.checkpoint;
    for (let tile = Math.ceil(size / TILE_WIDTH) - 1; tile >= 0; tile -= 1) {
      const hashes = this.#tile(0, tile);
      const width = Math.min(TILE_WIDTH, size - tile * TILE_WIDTH);
      for (let place = 0; place < width; place += 1)
        if (wanted.equals(hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES)))
          return tile * TILE_WIDTH + place;
    }
    return undefined;
  }

  /** The record of a leaf. */
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
    // Where the log has grown since, the tile is there whole, and begins with what it was.
    const [partial, full] = [name, tilePath({ level, index, width: TILE_WIDTH })].map((one) =>
      path.join(this.dir, one),
    );
    const file = full !== undefined && existsSync(full) ? full : (partial ?? '');
    const tile = readFileSync(file);
    if (this.#tiles.size >= KEPT_TILES) this.#tiles.clear();
    this.#tiles.set(name, tile);
    return tile;
  }
}
