import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { z } from 'zod';
import { type Once, SeenOnce } from './seen';

const SKEW_MS = 60_000;
/** How old a proof may be. Its `jti` is remembered for as long as the proof could pass. */
const OLDEST_MS = 60_000;
const LONGEST_CHARACTERS = 8_000;
/** How many proofs are remembered: in all, and for one owner, so that one owner cannot use up the memory. */
const MOST_PROOFS = 500_000;
const MOST_OF_ONE = 100_000;

/** Algorithms of proofs. `Ed25519` is the name by RFC 9864 of what `EdDSA` also names. */
export const DPOP_ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA'] as const;

const claimsSchema = z.object({
  jti: z.string().min(8).max(256),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().max(256).optional(),
});

export interface DpopExpectation {
  readonly method: string;
  /** The address that was called. */
  readonly url: string;
  /** The token that the proof is shown with; the proof must name its hash. */
  readonly token?: string;
  /** Thumbprint of the only key that the proof may be by. */
  readonly key?: string;
  /** Whose share of the memory the proof takes. The proof's key by default. */
  readonly owner?: string;
  /** Called with the proof's nonce if everything else about it is good, before it is used up. May throw to turn the caller away. */
  readonly admit?: (nonce: string | undefined) => void;
}

/** Remembers proofs, with a limit in all and for each owner. */
export const proofMemory = (nowMs: () => number, most = MOST_PROOFS, mostOfOne = MOST_OF_ONE): SeenOnce =>
  new SeenOnce(most, nowMs, mostOfOne);

/** Verifies DPoP proofs (RFC 9449 section 4.3) and remembers them, so that each counts once. */
export class DpopVerifier {
  constructor(
    private readonly nowMs: () => number = Date.now,
    /** Where proofs that were shown are remembered. */
    private readonly seen: Once = proofMemory(nowMs),
  ) {}

  /** Returns the thumbprint of the key that made the proof. Returns undefined if the proof does not hold or was shown before. */
  async verify(proof: string, expected: DpopExpectation): Promise<string | undefined> {
    const read = await this.#read(proof, expected);
    if (read === undefined || (expected.key !== undefined && read.thumbprint !== expected.key))
      return undefined;
    const { thumbprint, jti, madeAtMs, nonce } = read;
    expected.admit?.(nonce);
    // Last, so that a proof that fails for another reason takes no memory and its id stays unused.
    const name = createHash('sha256').update(`${thumbprint} ${jti}`).digest('base64url');
    const untilMs = madeAtMs + OLDEST_MS + SKEW_MS;
    const owner = expected.owner ?? thumbprint;
    return (await this.seen.first(name, untilMs, { owner })) ? thumbprint : undefined;
  }

  /** Checks everything about a proof except that it is shown once. */
  async #read(proof: string, expected: DpopExpectation) {
    if (proof.length > LONGEST_CHARACTERS) return undefined;
    try {
      // EmbeddedJWK takes only a public key from the header; the list of algorithms holds no shared-key one.
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: [...DPOP_ALGORITHMS],
        currentDate: new Date(this.nowMs()),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success || protectedHeader.jwk === undefined) return undefined;
      const { jti, htm, htu, iat, ath, nonce } = claims.data;
      const called = plainAddress(expected.url);
      if (htm !== expected.method || called === undefined || plainAddress(htu) !== called) return undefined;
      const madeAtMs = iat * 1_000;
      const nowMs = this.nowMs();
      if (madeAtMs > nowMs + SKEW_MS || madeAtMs < nowMs - OLDEST_MS) return undefined;
      if (expected.token !== undefined && ath !== accessTokenHash(expected.token)) return undefined;
      return { thumbprint: await calculateJwkThumbprint(protectedHeader.jwk), jti, madeAtMs, nonce };
    } catch {
      return undefined;
    }
  }
}

/** Characters of an address (RFC 3986 section 2). URL parsers take others too, and read a backslash as a slash. */
const ADDRESS = /^https?:\/\/[\w.~:/?#[\]@!$&'()*+,;=%-]+$/i;

/**
 * Returns an address without query and fragment, normalised as RFC 9449 section 4.3 asks (RFC 3986 sections 6.2.2 and 6.2.3), so
 * that equal addresses are equal texts. Returns undefined if it is not an address of HTTP.
 */
function plainAddress(text: string): string | undefined {
  if (!ADDRESS.test(text) || !URL.canParse(text)) return undefined;
  const { username, password, protocol, host, pathname } = new URL(text);
  if (username !== '' || password !== '') return undefined;
  const path = pathname.replace(/%([0-9a-f]{2})/gi, (written, code: string) => {
    const character = String.fromCharCode(Number.parseInt(code, 16));
    return /[\w.~-]/.test(character) ? character : written.toUpperCase();
  });
  return `${protocol}//${host}${path}`;
}

/** Returns `ath`, the hash of the access token that a proof names (RFC 9449 section 4.2). */
const accessTokenHash = (token: string): string => createHash('sha256').update(token).digest('base64url');
