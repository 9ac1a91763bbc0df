import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload } from '@temporalio/common';

/** How an encrypted payload says what it is. Temporal's own samples use the same words. */
const ENCRYPTED = 'binary/encrypted';
const CIPHER = 'AES-256-GCM';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const LENGTH_BYTES = 4;

const text = new TextEncoder();
const words = new TextDecoder('utf-8', { fatal: true });

/** Which key an encrypted payload names; nothing for a payload that is none. */
export function keyIdOf(payload: Payload): string | undefined {
  if (encodingOf(payload) !== ENCRYPTED) return undefined;
  return readWord(payload.metadata?.['encryption-key-id']) ?? '';
}

/** The encoding that a payload claims. */
const encodingOf = (payload: Payload): string | undefined => readWord(payload.metadata?.['encoding']);

/** Encrypts a whole payload, its metadata too. What stays readable is bound to the ciphertext. */
export function seal(payload: Payload, keyId: string, key: Uint8Array): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(boundWords(keyId));
  const body = Buffer.concat([cipher.update(pack(payload)), cipher.final()]);
  return {
    metadata: {
      encoding: text.encode(ENCRYPTED),
      'encryption-cipher': text.encode(CIPHER),
      'encryption-key-id': text.encode(keyId),
    },
    data: Buffer.concat([nonce, cipher.getAuthTag(), body]),
  };
}

/** Decrypts a payload. Nothing where a single bit was changed, or the key is another. */
export function unseal(payload: Payload, keyId: string, key: Uint8Array): Payload | undefined {
  try {
    const data = Buffer.from(payload.data ?? []);
    const nonce = data.subarray(0, NONCE_BYTES);
    const tag = data.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
    // A tag that was cut short is easier to guess; it must have its full length.
    if (tag.length !== TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(boundWords(keyId))
      .setAuthTag(tag);
    return unpack(Buffer.concat([decipher.update(data.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]));
  } catch {
    return undefined;
  }
}

const boundWords = (keyId: string): Uint8Array => text.encode(`${ENCRYPTED}\n${CIPHER}\n${keyId}`);

/** Length of the metadata, the metadata as JSON with values in base64, the data. */
function pack({ metadata, data }: Payload): Uint8Array {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [
    name,
    Buffer.from(value).toString('base64'),
  ]);
  const head = text.encode(JSON.stringify(entries));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return Buffer.concat([length, head, data ?? new Uint8Array()]);
}

function unpack(packed: Buffer): Payload {
  const end = LENGTH_BYTES + packed.readUInt32BE(0);
  const entries: [string, string][] = JSON.parse(words.decode(packed.subarray(LENGTH_BYTES, end)));
  const metadata = Object.fromEntries(
    entries.map(([name, value]) => [name, new Uint8Array(Buffer.from(value, 'base64'))]),
  );
  return { metadata, data: new Uint8Array(packed.subarray(end)) };
}

function readWord(value: Uint8Array | null | undefined): string | undefined {
  try {
    return value ? words.decode(value) : undefined;
  } catch {
    return undefined;
  }
}
