import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import type { SigningKey } from '../../../../src/signing/keys';

/** A token that an identity signs for itself with its registered key. */
export function selfSigned(
  principal: string,
  key: SigningKey,
  audience: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1_000);
  return new SignJWT({ iss: principal, sub: principal, aud: audience, iat, exp: iat + 300, ...changes })
    .setProtectedHeader({ alg: key.algorithm, typ: 'countersign-caller+jwt', kid: key.keyId })
    .sign(key.key);
}

/** A key pair of a holder, and the proofs of possession that it makes (RFC 9449). */
export class Holder {
  private constructor(
    private readonly privateKey: CryptoKey,
    readonly publicJwk: JWK,
    readonly thumbprint: string,
  ) {}

  static async make(): Promise<Holder> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const publicJwk = await exportJWK(publicKey);
    return new Holder(privateKey, publicJwk, await calculateJwkThumbprint(publicJwk));
  }

  proof(
    method: string,
    url: string,
    token: string,
    changes: Readonly<Record<string, unknown>> = {},
  ): Promise<string> {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(Date.now() / 1_000),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...changes,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.publicJwk })
      .sign(this.privateKey);
  }
}
