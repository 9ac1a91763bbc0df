import { HASH_BYTES, type Hash, nodeHash } from './merkle';

/*
 * The layout of c2sp.org/tlog-tiles: a tile holds up to 256 hashes of one row of complete subtrees, or up to 256 records.
 * A full tile never changes; the last one of a row is there under its width until it is full.
 */

export const TILE_WIDTH = 256;
export const TILE_HEIGHT = 8;
/** Its length is written in two bytes. */
export const LONGEST_RECORD_BYTES = 65_535;

/** A tile of hashes at level 8 × `level` of the tree, or of records where the level is `entries`. */
export interface Tile {
  readonly level: number | 'entries';
  readonly index: number;
  /** 256 where the tile is full. */
  readonly width: number;
}

/** Where a tile lies, relative to the log. */
export function tilePath({ level, index, width }: Tile): string {
  const groups: string[] = [];
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1_000))
    groups.unshift(String(rest % 1_000).padStart(3, '0'));
  const place = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${place}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Hash of a complete subtree within a tile: `height` rows above the tile's own, the one of that number. */
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

/** Records in a bundle: each with its length in two bytes before it. */
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
