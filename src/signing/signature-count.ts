import { createHash } from 'node:crypto';
import type { Ledger } from '../domain/precedents';
import type { Refusal } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import { countedBack, type SignatureCount } from '../domain/signature-count';

/** Where the counter lies in authenticator data: after the digest of the RP id and the flags. */
const COUNTER_AT = 33;

/**
 * Reads which signature of its passkey this is. Returns undefined if no passkey signed. Only the count of a signature that was verified
 * means anything.
 */
export function signatureCountOf(envelope: SignedEnvelope): SignatureCount | undefined {
  if (envelope.format !== 'webauthn') return undefined;
  const data = Buffer.from(envelope.authenticatorData, 'base64url');
  if (data.length < COUNTER_AT + 4) return undefined;
  const signature = createHash('sha256').update(Buffer.from(envelope.signature, 'base64url'));
  return {
    credential: envelope.credentialId,
    count: data.readUInt32BE(COUNTER_AT),
    signature: signature.digest('base64url'),
  };
}

/**
 * Puts the count of a verified signature on record. Returns a refusal if its passkey's counter went back.
 *
 * @throws if the ledger cannot be reached
 */
export async function refuseCountedBack(
  envelope: SignedEnvelope,
  ledger: Pick<Ledger, 'signed'>,
  nowMs: number,
): Promise<Refusal | undefined> {
  const count = signatureCountOf(envelope);
  return count === undefined || (await ledger.signed(count, nowMs)) ? undefined : countedBack(count);
}
