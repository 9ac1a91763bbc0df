import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';

const ISSUER = 'https://exchange.example';

/** An issuer of delegated tokens (RFC 8693), whose keys the gateway has in a file. */
export class TokenExchange {
  private constructor(
    private readonly privateKey: CryptoKey,
    /** The file of its keys. */
    readonly jwks: string,
  ) {}

  static async make(): Promise<TokenExchange> {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const key = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    return new TokenExchange(privateKey, JSON.stringify({ keys: [key] }));
  }

  /** What `gateway.yaml` says of it: where its keys are, and who its subjects are. */
  issuerFor(audience: string, jwksFile: string, subjects: Readonly<Record<string, string>>): object {
    const identities = Object.entries(subjects).map(([sub, principal]) => ({ principal, claims: { sub } }));
    return { kind: 'oauth', issuer: ISSUER, jwksFile, audience, identities };
  }

  /** A token for the first, for whom the next acts, and so on to who acts now, the last. */
  token(audience: string, [subject = '', ...actors]: readonly string[]): Promise<string> {
    const act = actors.reduce<object | undefined>(
      (inner, sub) => ({ sub, ...(inner && { act: inner }) }),
      undefined,
    );
    return new SignJWT({ ...(act && { act }) })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt()
      .setJti(crypto.randomUUID())
      .setExpirationTime('5m')
      .sign(this.privateKey);
  }
}
