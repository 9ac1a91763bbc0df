import { createHash, randomUUID } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** A key that only this process has. A stolen token that is bound to it cannot be used. */
export class HolderKey {
  private constructor(
    private readonly privateKey: CryptoKey,
    private readonly publicJwk: JWK,
    readonly thumbprint: string,
  ) {}

  static async make(): Promise<HolderKey> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const publicJwk = await exportJWK(publicKey);
    return new HolderKey(privateKey, publicJwk, await calculateJwkThumbprint(publicJwk));
  }

  /** Signs a DPoP proof for one call (RFC 9449 section 4.2), with the nonce that the gateway gave, if it gave one. */
  proof(method: string, url: string, token: string, nonce?: string): Promise<string> {
    const claims = {
      jti: randomUUID(),
      htm: method,
      htu: url,
      iat: Math.floor(Date.now() / 1_000),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...(nonce !== undefined && { nonce }),
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: this.publicJwk })
      .sign(this.privateKey);
  }
}
