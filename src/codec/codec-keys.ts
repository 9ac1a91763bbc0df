import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { isOpenToOthers } from '../signing/secret-file';

const KEY_BYTES = 32;
const MOST_KEYS = 100;
const LARGEST_BYTES = 64 * 1024;
/** It travels in clear beside every payload, so it is short and plain. */
const KEY_ID = /^[A-Za-z0-9._-]{1,64}$/;

const keyFileSchema = z.strictObject({
  current: z.string().regex(KEY_ID),
  keys: z.record(z.string().regex(KEY_ID), z.base64().length(44)),
});
type KeyFile = z.infer<typeof keyFileSchema>;

/** The keys of the codec: the one that encrypts, and all that still open. */
export interface CodecKeys {
  readonly current: { readonly id: string; readonly key: Uint8Array };
  byId(id: string): Uint8Array | undefined;
}

export type CodecKeysResult =
  | { readonly ok: true; readonly keys: CodecKeys }
  | { readonly ok: false; readonly message: string };

/** Reads a key file. Messages name the file and never its content. */
export function readCodecKeys(file: string): CodecKeysResult {
  const read = readKeyFile(file);
  if (!read.ok) return read;
  const { current: currentId, keys } = read.content;
  const ring = new Map(
    Object.entries(keys).map(([id, encoded]) => [id, new Uint8Array(Buffer.from(encoded, 'base64'))]),
  );
  const key = ring.get(currentId);
  if (key === undefined) return bad(file, 'names a current key that it does not have');
  if (ring.size > MOST_KEYS) return bad(file, `has more than ${MOST_KEYS} keys`);
  if ([...ring.values()].some((one) => one.length !== KEY_BYTES))
    return bad(file, 'has a key that is not of 32 bytes');
  return { ok: true, keys: { current: { id: currentId, key }, byId: (id) => ring.get(id) } };
}

/**
 * Makes a key the current one, in a new file or beside the keys that a file has. Keys that are there already stay: what
 * they encrypted must be opened for as long as it is kept.
 */
export function addCodecKey(file: string, id: string): { readonly ok: boolean; readonly message: string } {
  if (!KEY_ID.test(id)) return bad(file, `cannot have a key named ${JSON.stringify(id)}`);
  let content: KeyFile = { current: id, keys: {} };
  if (exists(file)) {
    const read = readKeyFile(file);
    if (!read.ok) return read;
    content = read.content;
  }
  if (Object.hasOwn(content.keys, id)) return bad(file, `has a key ${id} already`);
  const keys = { ...content.keys, [id]: randomBytes(KEY_BYTES).toString('base64') };
  // Written aside and put in its place at once: a file cut short would be the loss of every key in it.
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, `${JSON.stringify({ current: id, keys }, undefined, 2)}\n`, {
    mode: 0o600,
    flag: 'wx',
  });
  renameSync(draft, file);
  return { ok: true, message: `${file} has the key ${id}, and encrypts with it` };
}

type Read =
  | { readonly ok: true; readonly content: KeyFile }
  | { readonly ok: false; readonly message: string };

function readKeyFile(file: string): Read {
  try {
    const found = statSync(file);
    if (found.size > LARGEST_BYTES) return bad(file, 'is too large for a file of codec keys');
    if (isOpenToOthers(found))
      return bad(file, 'can be read by others; run chmod 600 on it, and rotate the key');
    const parsed = keyFileSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
    if (parsed.success) return { ok: true, content: parsed.data };
    return bad(file, 'is no file of codec keys (countersign codec add-key)');
  } catch {
    return bad(file, 'cannot be read as a file of codec keys (countersign codec add-key)');
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

const bad = (file: string, what: string) => ({ ok: false, message: `${file} ${what}` }) as const;
