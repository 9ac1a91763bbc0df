import { type CryptoKey, compactVerify, decodeProtectedHeader, importJWK } from 'jose';
import { ATTESTED_STATEMENT_TYPE, STATEMENT_TYPE } from '../contracts/statement';
import type { Directory, RegisteredJwk, RegisteredKey } from '../directory/directory';
import { LIMITS } from '../domain/limits';
import { accepted, type Result, refused } from '../domain/refusal';
import { envelopeText, type SignedEnvelope, type WebauthnEnvelope } from '../domain/request';
import type { AuthenticatorFacts } from '../domain/statement';
import { algorithmOf } from './keys';
import { verifyAssertion } from './webauthn';

/** A payload whose signature held, and the registered key that made it. */
export interface VerifiedPayload {
  readonly payload: unknown;
  readonly key: RegisteredKey;
  /** What a passkey's authenticator said of itself. */
  readonly authenticator?: AuthenticatorFacts;
}

const NOT_REGISTERED = refused('UNKNOWN_KEY', 'signed by a key that is not registered, or is no longer');

/**
 * Verifies signatures against the keys of the directory. The format of the envelope must fit the kind of the key: a passkey signs
 * in its own format only.
 */
export class SignatureVerifier {
  readonly #imported = new Map<string, Promise<CryptoKey | Uint8Array>>();

  constructor(private readonly directory: Pick<Directory, 'keyById'>) {}

  /** @param type the required purpose of the signature (JOSE `typ`); signatures for another purpose are refused */
  async verify(envelope: SignedEnvelope, type: string, atMs: number): Promise<Result<VerifiedPayload>> {
    if (envelopeText(envelope).length > LIMITS.statementBytes)
      return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
    switch (envelope.format) {
      case 'jws':
        return this.#verifyJws(envelope.jws, type, atMs);
      case 'webauthn':
        return this.#verifyWebauthn(envelope, type, atMs);
      case 'attested':
        // Only statements are attested in this way: nobody submits, reports or enrols for others.
        return type === STATEMENT_TYPE
          ? this.#verifyJws(envelope.attested, ATTESTED_STATEMENT_TYPE, atMs)
          : refused('MALFORMED', `not of type ${type}`);
    }
  }

  /** The claims of a passkey carry `typ` themselves, since WebAuthn has no header to carry it. */
  async #verifyWebauthn(
    envelope: WebauthnEnvelope,
    type: string,
    atMs: number,
  ): Promise<Result<VerifiedPayload>> {
    const key = this.directory.keyById(envelope.credentialId, atMs);
    if (key?.kind !== 'passkey') return NOT_REGISTERED;
    const verified = await verifyAssertion(envelope, key);
    if (!verified.ok) return verified;
    const { claims, authenticator } = verified.value;
    const { typ, ...payload } = claims;
    if (typ !== type) return refused('MALFORMED', `not claims of type ${type}`);
    return accepted({ payload, key, authenticator });
  }

  /**
   * Verifies a compact JWS (RFC 7515 section 5.2). `kid` names the registered key, and the kind of the key fixes the algorithm. Keys,
   * other algorithms and extensions in the header are refused.
   */
  async #verifyJws(jws: string, type: string, atMs: number): Promise<Result<VerifiedPayload>> {
    const header = readHeader(jws);
    if (header?.typ !== type) return refused('MALFORMED', `not a JWS of type ${type}`);
    const key = typeof header.kid === 'string' ? this.directory.keyById(header.kid, atMs) : undefined;
    if (key?.kind !== 'jwk') return NOT_REGISTERED;
    const algorithm = algorithmOf(key.publicJwk);
    if (algorithm === undefined)
      return refused('UNKNOWN_KEY', 'the registered key is of no kind that may sign');
    try {
      const { payload } = await compactVerify(jws, await this.#import(key, algorithm), {
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

  #import(key: RegisteredJwk, algorithm: string): Promise<CryptoKey | Uint8Array> {
    const known = this.#imported.get(key.keyId);
    if (known !== undefined) return known;
    const imported = importJWK({ ...key.publicJwk }, algorithm);
    this.#imported.set(key.keyId, imported);
    return imported;
  }
}

/** Returns the `typ` of a JWS without verifying it. Returns undefined for other formats. */
export const typeOf = (envelope: SignedEnvelope): unknown =>
  envelope.format === 'jws' ? readHeader(envelope.jws)?.typ : undefined;

function readHeader(jws: string) {
  try {
    return decodeProtectedHeader(jws);
  } catch {
    return undefined;
  }
}
