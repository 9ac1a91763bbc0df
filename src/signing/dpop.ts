import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { SeenOnce } from './seen';

const SKEW_MS = 60_000;
/** How old a proof may be. Its `jti` is remembered for as long as it could still pass. */
const OLDEST_MS = 60_000;
const LONGEST_CHARACTERS = 8_000;
/** Proofs that are remembered: in all, and of one owner. Nobody takes the room of others by making many. */
const MOST_PROOFS = 500_000;
const MOST_OF_ONE = 100_000;

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
  /** Thumbprint of the only key that the proof may be by. */
  readonly key?: string;
  /** In whose room the proof is remembered; by default in that of its key. */
  readonly owner?: string;
  /** Asked when everything else about the proof is good, before it is remembered. What it throws goes to the caller. */
  readonly admit?: () => void;
}

/** Checks proofs of possession (RFC 9449 section 4.3). Yields the thumbprint of the key that made it. */
export class DpopVerifier {
  readonly #seen: SeenOnce;

  constructor(
    private readonly nowMs: () => number = Date.now,
    {
      most = MOST_PROOFS,
      mostOfOne = MOST_OF_ONE,
    }: { readonly most?: number; readonly mostOfOne?: number } = {},
  ) {
    this.#seen = new SeenOnce(most, nowMs, mostOfOne);
  }

  /** The thumbprint of the key, where the proof holds and has not been shown before. */
  async verify(proof: string, expected: DpopExpectation): Promise<string | undefined> {
    const read = await this.#read(proof, expected);
    if (read === undefined || (expected.key !== undefined && read.thumbprint !== expected.key))
      return undefined;
    const { thumbprint, jti, madeAtMs } = read;
    expected.admit?.();
    // Last, so that a proof that fails otherwise uses up neither its id nor any room.
    const name = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url');
    const untilMs = madeAtMs + OLDEST_MS + SKEW_MS;
    return this.#seen.first(name, untilMs, { owner: expected.owner ?? thumbprint }) ? thumbprint : undefined;
  }

  /** Everything about a proof but that it is shown once. */
  async #read(proof: string, expected: DpopExpectation) {
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
      return { thumbprint: await calculateJwkThumbprint(protectedHeader.jwk), jti, madeAtMs };
    } catch {
      return undefined;
    }
  }
}

/** `ath`: the hash by which a proof names its token (RFC 9449 section 4.2). */
export const accessTokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('base64url');
