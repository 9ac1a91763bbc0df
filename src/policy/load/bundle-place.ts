import { stat } from 'node:fs/promises';

/** Where a bundle is: a folder, or a packed file with the keys that may have signed it. */
export interface BundlePlace {
  readonly at: string;
  /** File with the public keys that count. */
  readonly keys?: string;
}

const KEYS = '?keys=';

/** Reads a place as settings and arguments write it: `DIR`, or `FILE?keys=KEYS`. */
export function placeOf(place: string): BundlePlace {
  const split = place.lastIndexOf(KEYS);
  return split < 0 ? { at: place } : { at: place.slice(0, split), keys: place.slice(split + KEYS.length) };
}

/** Returns the place with both of its paths changed. */
export function withPaths(place: string, change: (path: string) => string): string {
  const { at, keys } = placeOf(place);
  return keys === undefined ? change(at) : `${change(at)}${KEYS}${change(keys)}`;
}

/** Whether a place is meant as a packed bundle: it names keys, or is a file. */
export async function isPacked(place: string): Promise<boolean> {
  const { at, keys } = placeOf(place);
  if (keys !== undefined) return true;
  const about = await stat(at).catch(() => undefined);
  return about !== undefined && !about.isDirectory();
}
