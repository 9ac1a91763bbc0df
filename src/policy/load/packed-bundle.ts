import { createPublicKey, verify } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { z } from 'zod';
import {
  PACK_LIMITS,
  PACK_TYPE,
  type PackEnvelope,
  packEnvelopeSchema,
  packPayloadSchema,
  payloadOf,
  preAuthenticationEncoding,
} from '../../contracts/bundle-pack';
import { readPublicKey } from '../../directory/public-key';
import type { Decoded, FileProblem } from '../../directory/yaml-file';
import { placeOf } from './bundle-place';

/** Why a packed bundle is refused. */
export type PackRefusal =
  | 'PACK_UNREADABLE'
  | 'PACK_TOO_LARGE'
  | 'PACK_MALFORMED'
  | 'PACK_UNSIGNED'
  | 'PACK_KEYS_MISSING'
  | 'PACK_UNKNOWN_SIGNER'
  | 'PACK_ALTERED'
  | 'PACK_BAD_NAME'
  | 'PACK_DUPLICATE';

const LARGEST_FILE_CHARACTERS = 4 * 1024 * 1024;
const LARGEST_KEYS_BYTES = 256 * 1024;
const MOST_KEYS = 64;
/** A file of a bundle, or one of its cases. A name with anything else in it could lead out of the bundle. */
const NAME = /^(?:tests\/)?[A-Za-z0-9_][\w.-]{0,127}\.(?:cedar|cedarschema|yaml)$/;

/** Whether a pack can hold a file of this name. */
export const canPack = (name: string): boolean => NAME.test(name) && !name.includes('..');

type SignatureRefusal = 'PACK_UNSIGNED' | 'PACK_UNKNOWN_SIGNER' | 'PACK_ALTERED';
/** Returns why signatures over these bytes do not count, or undefined if one does. */
type Signed = (signed: Uint8Array, envelope: PackEnvelope) => SignatureRefusal | undefined;

/**
 * Reads a packed bundle. Its signature is verified, by the pinned keys alone, before anything in it is looked at.
 *
 * @returns all its files, cases in `tests/` included
 */
export async function readPack(place: string): Promise<Decoded<ReadonlyMap<string, string>>> {
  const { at, keys } = placeOf(place);
  const no = refusing(at);
  if (keys === undefined)
    return no(
      'PACK_KEYS_MISSING',
      `is a packed bundle, which counts by pinned keys alone; write ${at}?keys=FILE, with a file that has the public keys of your governors`,
    );
  const pins = await pinnedKeys(keys);
  if (!pins.ok) return pins;
  const bytes = await boundedBytes(at, PACK_LIMITS.bytes);
  if (bytes === undefined)
    return no('PACK_UNREADABLE', 'cannot be read; give the file that policy pack wrote');
  if (bytes === 'too large') return no('PACK_TOO_LARGE', `is larger than ${PACK_LIMITS.bytes} bytes`);
  const envelope = packEnvelopeSchema.safeParse(jsonIn(bytes));
  if (!envelope.success)
    return no('PACK_MALFORMED', `is no envelope of the type ${PACK_TYPE} (countersign policy pack)`);
  const payload = Buffer.from(envelope.data.payload, 'base64');
  const refusal = pins.value(preAuthenticationEncoding(PACK_TYPE, payload), envelope.data);
  if (refusal !== undefined) return no(refusal, SAID[refusal]);
  return unpack(payload, no);
}

const SAID: Readonly<Record<SignatureRefusal, string>> = {
  PACK_UNSIGNED: 'has no signature; pack it again with the key of a governor',
  PACK_UNKNOWN_SIGNER:
    'is signed by nobody whose key is pinned; have a governor pack it, or add their key to the pinned ones',
  PACK_ALTERED: 'was altered after it was signed; fetch it again',
};

function unpack(payload: Uint8Array, no: ReturnType<typeof refusing>): Decoded<ReadonlyMap<string, string>> {
  const decoded = packPayloadSchema.safeParse(jsonIn(payload));
  if (!decoded.success) return no('PACK_MALFORMED', 'holds no files of a bundle of version 1');
  const files = new Map<string, string>();
  for (const [name, text] of decoded.data.files) {
    if (!canPack(name))
      return no(
        'PACK_BAD_NAME',
        `holds ${JSON.stringify(name)}, which is no file of a bundle or of its tests`,
      );
    if (files.has(name)) return no('PACK_DUPLICATE', `holds ${name} twice`);
    if (text.length > LARGEST_FILE_CHARACTERS)
      return no('PACK_TOO_LARGE', `holds ${name}, which is too large for a bundle file`);
    files.set(name, text);
  }
  if (!Buffer.from(payloadOf(files)).equals(payload))
    return no('PACK_MALFORMED', 'holds its files in another form than policy pack writes');
  return { ok: true, value: files };
}

const jwksSchema = z.object({ keys: z.array(z.unknown()).min(1).max(MOST_KEYS) });

/** Reads the pinned keys: a JWK Set, or one JWK. */
async function pinnedKeys(file: string): Promise<Decoded<Signed>> {
  const no = refusing(file);
  const bytes = await boundedBytes(file, LARGEST_KEYS_BYTES);
  if (bytes === undefined || bytes === 'too large')
    return no('PACK_KEYS_MISSING', 'cannot be read as pinned keys');
  const content = jsonIn(bytes);
  const set = jwksSchema.safeParse(content);
  const read = (set.success ? set.data.keys : [content]).map(readPublicKey);
  const bad = read.find((one) => !one.ok);
  if (bad !== undefined && !bad.ok) return no('PACK_KEYS_MISSING', `pinned keys: ${bad.message}`);
  const keys = new Map(read.flatMap((one) => (one.ok ? [[one.keyId, one.publicJwk] as const] : [])));
  return {
    ok: true,
    value: (signed, { signatures }) => {
      if (signatures.length === 0) return 'PACK_UNSIGNED';
      const pinned = signatures.filter(({ keyid }) => keys.has(keyid));
      if (pinned.length === 0) return 'PACK_UNKNOWN_SIGNER';
      const isGood = pinned.some(({ keyid, sig }) => isSignedBy(keys.get(keyid) ?? {}, signed, sig));
      return isGood ? undefined : 'PACK_ALTERED';
    },
  };
}

function isSignedBy(
  publicJwk: Readonly<Record<string, string>>,
  signed: Uint8Array,
  signature: string,
): boolean {
  const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
  const isEd25519 = publicJwk['kty'] === 'OKP';
  return verify(
    isEd25519 ? null : 'sha256',
    signed,
    isEd25519 ? key : { key, dsaEncoding: 'ieee-p1363' },
    Buffer.from(signature, 'base64'),
  );
}

const refusing =
  (file: string) =>
  (
    code: PackRefusal,
    message: string,
  ): { readonly ok: false; readonly problems: readonly FileProblem[] } => ({
    ok: false,
    problems: [{ file, line: 1, message, code }],
  });

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Reads a regular file whose size cannot grow past the limit meanwhile. */
async function boundedBytes(file: string, most: number): Promise<Uint8Array | 'too large' | undefined> {
  try {
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const about = await handle.stat();
      if (!about.isFile()) return undefined;
      if (about.size > most) return 'too large';
      const bytes = Buffer.alloc(about.size + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
        length += bytesRead;
        if (length > about.size) return undefined;
        if (bytesRead === 0) return bytes.subarray(0, length);
      }
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}
