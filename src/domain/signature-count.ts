import type { Refusal } from './refusal';

/** Which signature of a passkey this is, as its authenticator counts (WebAuthn Level 3, section 6.1.1). */
export interface SignatureCount {
  readonly credential: string;
  /** 0 if the authenticator does not count. */
  readonly count: number;
  /** Names the signature, so that the same one may be looked at twice. */
  readonly signature: string;
}

/**
 * How much later than the next signature of the same passkey one may arrive: as long as a page lets a signature live. Two tabs, two
 * gateways or a retry change the order of arrival, and never a count.
 */
export const LATE_SIGNATURE_MS = 10 * 60_000;

/** Why a signature is refused whose count was used before, or lies behind what is on record (WebAuthn Level 3, section 7.2 step 22). */
export const countedBack = ({ count }: SignatureCount): Refusal => ({
  code: 'BAD_SIGNATURE',
  detail: `the passkey's signature counter went back (to ${count}), so there may be a copy of it; sign with another key, and retire this one`,
});
