import { createHash } from 'node:crypto';

/*
 * Merkle trees of RFC 6962 section 2.1 (RFC 9162 has the same hashes). Hashes of complete subtrees are identified by
 * level and index: level 0 are the leaves, and `(level, index)` covers 2^level leaves.
 */

export type Hash = Buffer;

/** Reads the hash of a complete subtree. */
export type ReadHash = (level: number, index: number) => Hash;

export const HASH_BYTES = 32;

/** Hashes a record as a leaf. The prefix ensures that a leaf can never pass for a node. */
export function leafHash(record: Uint8Array): Hash {
  return createHash('sha256').update(Buffer.of(0)).update(record).digest();
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return createHash('sha256').update(Buffer.of(1)).update(left).update(right).digest();
}

/** Returns the complete subtrees of the leaves `from` to `to` (exclusive), largest first. `from` must begin the first. */
function subtrees(from: number, to: number): readonly { readonly level: number; readonly index: number }[] {
  const parts = [];
  for (let at = from; at < to; ) {
    let level = 0;
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= to) level += 1;
    parts.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return parts;
}

/** Computes the root over the leaves `from` to `to` (exclusive), of a tree whose complete subtrees can be read. */
function rangeHash(from: number, to: number, read: ReadHash): Hash {
  const hashes = subtrees(from, to).map(({ level, index }) => read(level, index));
  const last = hashes.pop();
  if (last === undefined) return createHash('sha256').digest();
  return hashes.reduceRight((right, left) => nodeHash(left, right), last);
}

/** Computes the root of a tree of that size. */
export const rootOf = (size: number, read: ReadHash): Hash => rangeHash(0, size, read);

/** The largest power of two smaller than `size`, where RFC 6962 splits a tree. */
const split = (size: number): number => 2 ** Math.ceil(Math.log2(size) - 1);

/** Makes the inclusion proof (audit path) of a leaf in a tree of that size, from its sibling upwards. */
export function inclusionProof(index: number, size: number, read: ReadHash): readonly Hash[] {
  return path(index, 0, size, read);
}

function path(index: number, from: number, to: number, read: ReadHash): readonly Hash[] {
  if (to - from <= 1) return [];
  const middle = from + split(to - from);
  return index < middle
    ? [...path(index, from, middle, read), rangeHash(middle, to, read)]
    : [...path(index, middle, to, read), rangeHash(from, middle, read)];
}

/** Makes a consistency proof between two sizes of one tree: that the later one begins with the earlier one. */
export function consistencyProof(oldSize: number, newSize: number, read: ReadHash): readonly Hash[] {
  if (oldSize <= 0 || oldSize >= newSize) return [];
  return subproof(oldSize, 0, newSize, true, read);
}

function subproof(
  oldSize: number,
  from: number,
  to: number,
  whole: boolean,
  read: ReadHash,
): readonly Hash[] {
  if (oldSize === to) return whole ? [] : [rangeHash(from, to, read)];
  const middle = from + split(to - from);
  return oldSize <= middle
    ? [...subproof(oldSize, from, middle, whole, read), rangeHash(middle, to, read)]
    : [...subproof(oldSize, middle, to, false, read), rangeHash(from, middle, read)];
}

/** Returns true if the leaf is at that place of the tree with that root (RFC 9162 section 2.1.3.2). */
export function includes(
  leaf: Hash,
  index: number,
  size: number,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [node, last] = [index, size - 1];
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(sibling, hash);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && hash.equals(root);
}

/** Returns true if the tree of the new root begins with the tree of the old one (RFC 9162 section 2.1.4.2). */
export function isConsistent(
  oldSize: number,
  oldRoot: Hash,
  newSize: number,
  newRoot: Hash,
  proof: readonly Hash[],
): boolean {
  if (![oldSize, newSize].every((size) => Number.isSafeInteger(size) && size >= 0)) return false;
  if (oldSize > newSize) return false;
  if (oldSize === newSize) return proof.length === 0 && oldRoot.equals(newRoot);
  // Every tree begins with the empty tree, whose root is known.
  if (oldSize === 0) return proof.length === 0 && oldRoot.equals(createHash('sha256').digest());
  const isWhole = Number.isInteger(Math.log2(oldSize));
  const [first, ...rest] = isWhole ? [oldRoot, ...proof] : proof;
  if (first === undefined) return false;
  let [node, last] = [oldSize - 1, newSize - 1];
  while (node % 2 === 1) [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  let [old, current] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      old = nodeHash(sibling, old);
      current = nodeHash(sibling, current);
      while (node % 2 === 0 && node !== 0) [node, last] = [node / 2, Math.floor(last / 2)];
    } else {
      current = nodeHash(current, sibling);
    }
    [node, last] = [Math.floor(node / 2), Math.floor(last / 2)];
  }
  return last === 0 && old.equals(oldRoot) && current.equals(newRoot);
}
