import type { Payload, PayloadCodec } from '@temporalio/common';
import type { CodecKeys } from './codec-keys';
import { readCodecKeys } from './codec-keys';
import { keyIdOf, seal, unseal } from './sealed-payload';

/** Under this name a payload that could not be opened says why. */
const UNOPENED = 'countersign-unopened';

/**
 * Encrypts everything that goes to the Temporal server with the current key, and opens what was encrypted with any key
 * of the ring. Never throws: an exception while decoding would stop a request's timers for ever. What it cannot open it
 * passes on marked; the payload converter makes of it what is refused as `MALFORMED`. What is not encrypted passes as it
 * is, so that encryption can be switched on while requests are open.
 */
export class EncryptionCodec implements PayloadCodec {
  constructor(private readonly keys: CodecKeys) {}

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const { id, key } = this.keys.current;
    return payloads.map((payload) => seal(payload, id, key));
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => this.#open(payload));
  }

  #open(payload: Payload): Payload {
    const keyId = keyIdOf(payload);
    if (keyId === undefined) return payload;
    const key = this.keys.byId(keyId);
    if (key === undefined) return marked(payload, 'unknown key');
    return unseal(payload, keyId, key) ?? marked(payload, 'damaged');
  }
}

function marked(payload: Payload, why: string): Payload {
  return { ...payload, metadata: { ...payload.metadata, [UNOPENED]: new TextEncoder().encode(why) } };
}

/**
 * The codecs that the configuration asks for: encryption where a key file is named, none otherwise. The file is read
 * once; a new key counts from the next start.
 *
 * @throws Error with a one-line message if the file cannot be used, rather than continue unencrypted
 */
export function configuredCodecs(keyFile: string | undefined): PayloadCodec[] {
  if (keyFile === undefined) return [];
  const read = readCodecKeys(keyFile);
  if (!read.ok) throw new Error(`COUNTERSIGN_CODEC_KEYS: ${read.message}`);
  return [new EncryptionCodec(read.keys)];
}
