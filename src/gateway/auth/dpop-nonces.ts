import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a nonce counts. */
const LIFE_MS = 300_000;

/**
 * Nonces for DPoP proofs (RFC 9449 section 9). Nothing is stored: a nonce is the time it was made, and a code over it. They are by a key of
 * this process, so that a proof that one gateway took is refused by others, or by a key of gateways that share what was used.
 */
export class DpopNonces {
  constructor(
    private readonly nowMs: () => number,
    private readonly key: Uint8Array = randomBytes(32),
  ) {}

  /** Returns a nonce that counts from now on. */
  make(): string {
    const atMs = String(this.nowMs());
    return `${atMs}.${this.#codeOf(atMs)}`;
  }

  /** Returns true if the nonce is by this key, and still counts. */
  isOurs(nonce: string): boolean {
    const [atMs = '', code = '', ...more] = nonce.split('.');
    if (more.length > 0 || !/^\d{1,16}$/.test(atMs)) return false;
    const [shown, expected] = [Buffer.from(code), Buffer.from(this.#codeOf(atMs))];
    if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return false;
    const ageMs = this.nowMs() - Number(atMs);
    return ageMs >= 0 && ageMs <= LIFE_MS;
  }

  #codeOf(atMs: string): string {
    return createHmac('sha256', this.key).update(atMs).digest('base64url');
  }
}
