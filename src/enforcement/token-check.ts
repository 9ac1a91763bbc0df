import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { EXECUTION_TYPE, type ExecutionClaims, executionClaimsSchema } from '../contracts/statement';
import { type Refusal, refused } from '../domain/refusal';
import { DpopVerifier } from '../signing/dpop';

export interface TokenCheckOptions {
  /** Identifier of the gateway that makes the tokens. */
  readonly issuer: string;
  /** The issuer's keys. Fetched from the gateway by default. */
  readonly keys?: JWTVerifyGetKey;
  readonly nowMs?: () => number;
}

/** The claims of a token, or why it is refused. */
export type CheckedToken =
  | { readonly ok: true; readonly value: ExecutionClaims }
  | { readonly ok: false; readonly refusal: Refusal; readonly request?: string };

/** Checks execution tokens and their holders' proofs, for an audience that redeems them without the gateway. */
export class TokenCheck {
  readonly #keys: JWTVerifyGetKey;
  readonly #dpop: DpopVerifier;
  readonly #nowMs: () => number;

  constructor(private readonly options: TokenCheckOptions) {
    const { issuer, keys, nowMs = Date.now } = options;
    this.#keys = keys ?? createRemoteJWKSet(new URL(`${issuer}/access/v1/jwks`), { timeoutDuration: 3_000 });
    this.#nowMs = nowMs;
    this.#dpop = new DpopVerifier(nowMs);
  }

  /** Checks a token. A refusal carries `request` if the issuer's signature says which request the token was for. */
  async check(
    { token, holderProof }: { readonly token: string; readonly holderProof: string },
    audience: string,
  ): Promise<CheckedToken> {
    const { issuer } = this.options;
    let claims: ReturnType<typeof executionClaimsSchema.safeParse>;
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        typ: EXECUTION_TYPE,
        algorithms: ['EdDSA', 'ES256'],
        issuer,
        requiredClaims: ['exp', 'iat', 'jti'],
        currentDate: new Date(this.#nowMs()),
      });
      claims = executionClaimsSchema.safeParse(payload);
    } catch (error) {
      // jose checks the expiry only after the signature, so the claims of an expired token are genuine.
      if (!(error instanceof errors.JWTExpired)) return refused('BAD_SIGNATURE', 'the token does not verify');
      const expired = executionClaimsSchema.safeParse(error.payload).data;
      const isOurs = expired?.aud === audience;
      const refusal = refused('EXPIRED_STATEMENT', 'the token has expired');
      return isOurs ? { ...refusal, request: expired.request } : refusal;
    }
    if (!claims.success) return refused('MALFORMED', 'the token lacks claims of an execution token');
    if (claims.data.aud !== audience) return refused('NOT_ELIGIBLE', 'the token is for another audience');
    const url = `${issuer}/v1/execution-tokens/redeem`;
    const key = await this.#dpop.verify(holderProof, { method: 'POST', url, token });
    if (key !== claims.data.cnf.jkt) {
      const { request } = claims.data;
      return { ...refused('BAD_SIGNATURE', 'the proof is not by the holder of the token'), request };
    }
    return { ok: true, value: claims.data };
  }
}
