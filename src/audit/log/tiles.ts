import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { HASH_BYTES, type Hash, nodeHash } from './merkle';

/*
 * The layout of c2sp.org/tlog-tiles: a tile holds up to 256 hashes of one row of complete subtrees, or up to 256 records.
 * A full tile never changes. The name of the last one of a row contains its width until it is full.
 */

export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;
/** The length is stored in two bytes. */
export const LONGEST_RECORD_BYTES = 65_535;

/** A tile of hashes at level 8 × `level` of the tree, or of records if the level is `entries`. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  /** 256 if the tile is full. */
  readonly width: number;
}

/** Returns the path of a tile, relative to the log. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1_000))
    groups.unshift(String(rest % 1_000).padStart(3, '0'));
  const place = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${place}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Computes the hash of a complete subtree in a tile: number `index` of those `height` rows above the tile's own. */
export function hashInTile(tile: Buffer, height: number, index: number): Hash {
  const count = 2 ** height;
  let row = Array.from({ length: count }, (_, place) => {
    const at = (index * count + place) * HASH_BYTES;
    return tile.subarray(at, at + HASH_BYTES);
  });
  while (row.length > 1)
    row = Array.from({ length: row.length / 2 }, (_, place) =>
      nodeHash(row[2 * place] ?? Buffer.alloc(0), row[2 * place + 1] ?? Buffer.alloc(0)),
    );
  return row[0] ?? Buffer.alloc(0);
}

/** Writes records as a bundle: each after its length in two bytes. */
export function bundleOf(records: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    records.flatMap((record) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(record.length);
      return [length, record];
    }),
  );
}

export function recordsIn(bundle: Buffer): readonly Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at + 2 <= bundle.length; ) {
    const end = at + 2 + bundle.readUInt16BE(at);
    records.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return records;
}

/** The size of a full bundle of the longest records; no file of a log is larger. */
const LARGEST_BYTES = TILE_WIDTH * (LONGEST_RECORD_BYTES + 2);

/**
 * Reads a file of a log. It must be a regular file that is not too large.
 *
 * @throws Error if it is missing, or something else
 */
export function readTile(file: string): Buffer {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const about = fstatSync(handle);
    if (!about.isFile() || about.size > LARGEST_BYTES) throw new Error(`${file} is not a file of a log`);
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
}
