import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Shorter secrets could be guessed. Callbacks and notifications demand as much. */
export const SHORTEST_SECRET = 24;

/** Returns true if a signature in hex is the HMAC-SHA-256 of this body with the secret. */
export function isSignedBy(body: string, signature: string | undefined, secret: string): boolean {
  if (signature === undefined || !/^[0-9a-f]{64}$/.test(signature)) return false;
  const expected = createHmac('sha256', secret).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

/** Reads a secret, again each time so that it can be replaced. Returns undefined if it is missing or too short. */
export function sharedSecretIn(file: string): string | undefined {
  try {
    const secret = readFileSync(file, 'utf8').trim();
    return secret.length < SHORTEST_SECRET ? undefined : secret;
  } catch {
    return undefined;
  }
}
