import { type CryptoKey, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import type { DirectoryBook, RegisteredKey } from '../directory/directory-book';
import { LIMITS } from '../domain/limits';
import { accepted, type Result, refused } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import { algorithmOf } from './keys';

/** A payload whose signature held, and the registered key that made it. */
export interface VerifiedPayload {
  readonly payload: unknown;
  readonly key: RegisteredKey;
}

/**
 * Verifies a compact JWS against the keys of the directory (RFC 7515 section 5.2). The key is the registered one named
 * by `kid`; its kind alone fixes the algorithm; keys, algorithms and extensions that a header brings along are refused.
 */
export class SignatureVerifier {
  readonly #imported = new Map<string, Promise<CryptoKey | Uint8Array>>();

  constructor(private readonly book: DirectoryBook) {}

  async verify(envelope: SignedEnvelope, type: string, atMs: number): Promise<Result<VerifiedPayload>> {
    if (envelope.jws.length > LIMITS.statementBytes)
      return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
    const header = readHeader(envelope.jws);
    if (header?.typ !== type) return refused('MALFORMED', `not a JWS of type ${type}`);
    const key = typeof header.kid === 'string' ? this.book.keyById(header.kid, atMs) : undefined;
    if (key === undefined)
      return refused('UNKNOWN_KEY', 'signed by a key that is not registered, or is no longer');
    const algorithm = algorithmOf(key.publicJwk);
    if (algorithm === undefined)
      return refused('UNKNOWN_KEY', 'the registered key is of no kind that may sign');
    try {
      const { payload } = await compactVerify(envelope.jws, await this.#import(key, algorithm), {
        algorithms: [algorithm],
      });
      return accepted({
        payload: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)),
        key,
      });
    } catch {
      return refused('BAD_SIGNATURE', 'the signature does not hold');
    }
  }

  #import(key: RegisteredKey, algorithm: string): Promise<CryptoKey | Uint8Array> {
    const known = this.#imported.get(key.keyId);
    if (known !== undefined) return known;
    const imported = importJWK({ ...key.publicJwk }, algorithm);
    this.#imported.set(key.keyId, imported);
    return imported;
  }
}

/** What a JWS says it is. Not to be believed before the signature holds. */
export const typeOf = (envelope: SignedEnvelope): unknown => readHeader(envelope.jws)?.typ;

function readHeader(jws: string) {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    return undefined;
  }
}
