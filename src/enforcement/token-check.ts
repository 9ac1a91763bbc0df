import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { EXECUTION_TYPE, type ExecutionClaims, executionClaimsSchema } from '../contracts/statement';
import { type Refusal, refused } from '../domain/refusal';
import { DpopVerifier } from '../signing/dpop';

export interface TokenCheckOptions {
  /** Identifier of the gateway that makes the tokens. */
  readonly issuer: string;
  /** Its keys; by default from where its metadata has them. */
  readonly keys?: JWTVerifyGetKey;
  readonly nowMs?: () => number;
}

/** What a token says, or why it is not taken. */
export type CheckedToken =
  | { readonly ok: true; readonly value: ExecutionClaims }
  | { readonly ok: false; readonly refusal: Refusal; readonly request?: string };

/** Checks execution tokens and the proofs of their holders, for an audience that uses them by itself. */
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

  /** Where it is refused, `request` is what the issuer has signed it for, if it has. */
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
      // A token is found to have expired only after its signature was found good.
      if (!(error instanceof errors.JWTExpired)) return refused('BAD_SIGNATURE', 'the token does not verify');
      const expired = executionClaimsSchema.safeParse(error.payload).data;
      const isOurs = expired?.aud === audience;
      const refusal = refused('EXPIRED_STATEMENT', 'the token has expired');
      return isOurs ? { ...refusal, request: expired.request } : refusal;
    }
    if (!claims.success) return refused('MALFORMED', 'the token lacks what an execution token says');
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
