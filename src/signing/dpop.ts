import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { SeenOnce } from './seen';

const SKEW_MS = 60_000;
/** How old a proof may be. Its `jti` is remembered for as long as it could still pass. */
const OLDEST_MS = 60_000;
const LONGEST_CHARACTERS = 8_000;

const claimsSchema = z.object({
  jti: z.string().min(8).max(256),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string().optional(),
});

export interface DpopExpectation {
  readonly method: string;
  /** The address that was called, without query and fragment. */
  readonly url: string;
  /** The token that the proof is shown with; the proof must name its hash. */
  readonly token?: string;
}

/** Checks proofs of possession (RFC 9449 section 4.3). Yields the thumbprint of the key that made it. */
export class DpopVerifier {
  readonly #seen: SeenOnce;

  constructor(private readonly nowMs: () => number = Date.now) {
    this.#seen = new SeenOnce(200_000, nowMs);
  }

  async verify(proof: string, expected: DpopExpectation): Promise<string | undefined> {
    if (proof.length > LONGEST_CHARACTERS) return undefined;
    try {
      // EmbeddedJWK takes only a public key from the header; the list of algorithms holds no shared-key one.
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: ['ES256', 'EdDSA'],
        currentDate: new Date(this.nowMs()),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success || protectedHeader.jwk === undefined) return undefined;
      const { jti, htm, htu, iat, ath } = claims.data;
      if (htm !== expected.method || htu !== expected.url) return undefined;
      const madeAtMs = iat * 1_000;
      const nowMs = this.nowMs();
      if (madeAtMs > nowMs + SKEW_MS || madeAtMs < nowMs - OLDEST_MS) return undefined;
      if (expected.token !== undefined && ath !== accessTokenHash(expected.token)) return undefined;
      const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk);
      // Last, so that a proof that fails otherwise does not use up its id.
      return this.#seen.first(`${thumbprint} ${jti}`, madeAtMs + OLDEST_MS + SKEW_MS)
        ? thumbprint
        : undefined;
    } catch {
      return undefined;
    }
  }
}

/** `ath`: the hash by which a proof names its token (RFC 9449 section 4.2). */
export const accessTokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('base64url');
