import { PACK_TYPE, type PackEnvelope, payloadOf, preAuthenticationEncoding } from '../contracts/bundle-pack';
import type { SigningKey } from './keys';

const ALGORITHMS = { EdDSA: { name: 'Ed25519' }, ES256: { name: 'ECDSA', hash: 'SHA-256' } } as const;

/** Packs the files of a bundle into one signed text. With an Ed25519 key the same files give the same text. */
export async function signPack(files: ReadonlyMap<string, string>, key: SigningKey): Promise<string> {
  const payload = payloadOf(files);
  const signed = Buffer.from(preAuthenticationEncoding(PACK_TYPE, payload));
  const signature = await crypto.subtle.sign(ALGORITHMS[key.algorithm], key.key, signed);
  const envelope: PackEnvelope = {
    payloadType: PACK_TYPE,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: key.keyId, sig: Buffer.from(signature).toString('base64') }],
  };
  return `${JSON.stringify(envelope)}\n`;
}
