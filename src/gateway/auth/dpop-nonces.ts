import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a nonce counts. */
const LIFE_MS = 300_000;

/**
 * Nonces for DPoP proofs (RFC 9449 section 9), by a key of this process. Nothing is stored: a nonce is the time it was made, and a
 * code over it.
 */
export class DpopNonces {
  readonly #key = randomBytes(32);

  constructor(private readonly nowMs: () => number) {}

  /** Returns a nonce that counts from now on. */
  make(): string {
    const atMs = String(this.nowMs());
    return `${atMs}.${this.#codeOf(atMs)}`;
  }

  /** Returns true if this process made the nonce, and it still counts. */
  isOurs(nonce: string): boolean {
    const [atMs = '', code = '', ...more] = nonce.split('.');
    if (more.length > 0 || !/^\d{1,16}$/.test(atMs)) return false;
    const [shown, expected] = [Buffer.from(code), Buffer.from(this.#codeOf(atMs))];
    if (shown.length !== expected.length || !timingSafeEqual(shown, expected)) return false;
    const ageMs = this.nowMs() - Number(atMs);
    return ageMs >= 0 && ageMs <= LIFE_MS;
  }

  #codeOf(atMs: string): string {
    return createHmac('sha256', this.#key).update(atMs).digest('base64url');
  }
}
