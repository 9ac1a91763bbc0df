import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';

const LARGEST_BYTES = 256 * 1024;
const TOKEN_BYTES = 32;

const readersSchema = z.strictObject({
  readers: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        notAfter: z.iso.datetime(),
      }),
    )
    .max(1_000),
});

/** Who may read clear text. The file holds digests of tokens, so that it gives nobody a token. */
export interface Readers {
  nameOf(token: string | undefined): string | undefined;
}

export type ReadersResult =
  | { readonly ok: true; readonly readers: Readers }
  | { readonly ok: false; readonly message: string };

/** Reads the file of readers. It is looked at again when it changes, so that a reader who is taken out reads no more. */
export function readReaders(file: string, nowMs: () => number = Date.now): ReadersResult {
  let version = '';
  let known: z.infer<typeof readersSchema>['readers'] = [];
  const look = (): string | undefined => {
    try {
      const { mtimeMs, size, ino } = statSync(file);
      const found = `${mtimeMs} ${size} ${ino}`;
      if (found === version) return undefined;
      // Whatever comes of it, what was known is not known any more: a broken file lets nobody in.
      known = [];
      version = found;
      if (size > LARGEST_BYTES) return `${file} is too large for a file of readers`;
      const parsed = readersSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
      if (!parsed.success) return `${file} is no file of readers (countersign codec new-reader)`;
      known = parsed.data.readers;
      return undefined;
    } catch {
      known = [];
      version = '';
      return `${file} cannot be read as a file of readers (countersign codec new-reader)`;
    }
  };
  const problem = look();
  if (problem !== undefined) return { ok: false, message: problem };
  const nameOf = (token: string | undefined) => {
    look();
    if (token === undefined) return undefined;
    const digest = digestOf(token);
    const reader = known.find(({ sha256 }) => timingSafeEqual(Buffer.from(sha256, 'hex'), digest));
    return reader !== undefined && nowMs() < Date.parse(reader.notAfter) ? reader.name : undefined;
  };
  return { ok: true, readers: { nameOf } };
}

/** A token for a new reader, and the line that lets them in. The token is shown once and stored nowhere. */
export function newReader(name: string, notAfterMs: number) {
  const token = randomBytes(TOKEN_BYTES).toString('base64url');
  const entry = {
    name,
    sha256: digestOf(token).toString('hex'),
    notAfter: new Date(notAfterMs).toISOString(),
  };
  return { token, entry };
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
