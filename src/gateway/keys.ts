import { createHmac, hkdfSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type CryptoKey, exportJWK, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { EXECUTION_TYPE } from '../contracts/statement';
import { importSigningKey, type SigningKey, tryReadKeyFile } from '../signing/keys';

/** JOSE `typ` of each kind of token that a gateway signs and verifies itself. A token of one kind never passes for another. */
export const TOKEN_TYPES = {
  binding: 'countersign-binding+jwt',
  approval: 'countersign-approval+jwt',
  execution: EXECUTION_TYPE,
  metadata: 'countersign-metadata+jwt',
  /** What a browser holds between the beginning and the end of a sign-in, and after it. */
  'sign-in': 'countersign-sign-in-begun+jwt',
  session: 'countersign-session+jwt',
  /** What a browser holds while its person is at the identity provider. */
  provider: 'countersign-provider-begun+jwt',
  /** What a browser gives to a program on its machine that wants to read, and what that program reads with. */
  login: 'countersign-login+jwt',
  reader: 'countersign-reader+jwt',
} as const;
export type TokenType = keyof typeof TOKEN_TYPES;

/** The two keys of a gateway. The directory registers the attestation key; the decision key signs the gateway's own tokens. */
export class GatewayKeys {
  readonly #verification: Promise<CryptoKey | Uint8Array>;

  private constructor(
    readonly attestation: SigningKey,
    private readonly decision: SigningKey,
    readonly publicJwk: JWK,
    private readonly secret: Buffer,
  ) {
    this.#verification = importJWK(publicJwk, decision.algorithm);
  }

  /** @throws Error (one line) that names the file that is not a usable key */
  static async read(attestationFile: string, decisionFile: string): Promise<GatewayKeys> {
    const attestation = await tryReadKeyFile(attestationFile);
    if (!attestation.ok) throw new Error(attestation.message);
    const decision = await tryReadKeyFile(decisionFile);
    if (!decision.ok) throw new Error(decision.message);
    return GatewayKeys.of(attestation.key, await readFile(decisionFile, 'utf8'));
  }

  static async of(attestation: SigningKey, decisionJwkText: string): Promise<GatewayKeys> {
    const decision = await importSigningKey(decisionJwkText, 'the decision key');
    if (!decision.ok) throw new Error(decision.message);
    const { d: _private, ...publicPart } = JSON.parse(decisionJwkText) as JWK;
    const imported = await importJWK(publicPart, decision.key.algorithm);
    const publicJwk = {
      ...(await exportJWK(imported)),
      kid: decision.key.keyId,
      use: 'sig',
      alg: decision.key.algorithm,
    };
    const secret = hkdfSync('sha256', decisionJwkText.trim(), '', 'countersign gateway identifiers', 32);
    return new GatewayKeys(attestation, decision.key, publicJwk, Buffer.from(secret));
  }

  sign(type: TokenType, claims: Readonly<Record<string, unknown>>): Promise<string> {
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: this.decision.algorithm, typ: TOKEN_TYPES[type], kid: this.decision.keyId })
      .sign(this.decision.key);
  }

  /** Returns the claims of a token that this gateway signed for this purpose and audience, `expired`, or undefined if it did not sign it. */
  async verify(
    type: TokenType,
    token: string,
    { issuer, audience, nowMs }: { issuer: string; audience?: string; nowMs: number },
  ): Promise<Readonly<Record<string, unknown>> | 'expired' | undefined> {
    if (token.length > 16_384) return undefined;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, await this.#verification, {
        typ: TOKEN_TYPES[type],
        algorithms: [this.decision.algorithm],
        issuer,
        ...(audience !== undefined && { audience }),
        clockTolerance: 0,
        requiredClaims: ['exp', 'iat', 'jti'],
        currentDate: new Date(nowMs),
      });
      return protectedHeader.kid === this.decision.keyId ? payload : undefined;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ERR_JWT_EXPIRED'
        ? 'expired'
        : undefined;
    }
  }

  /** Derives an identifier that nobody can guess and that the same parts always give, so that a retry finds what it made before. */
  identifier(prefix: string, ...parts: readonly string[]): string {
    const hash = createHmac('sha256', this.secret);
    for (const part of parts) hash.update(`${part.length}:${part}`);
    return `${prefix}${hash.digest('base64url').slice(0, 32)}`;
  }
}
