import { decodeCBOR } from '@levischuck/tiny-cbor';

/** COSE algorithms that a passkey may sign with (RFC 9053): ES256, EdDSA, RS256. */
const ALGORITHMS: readonly unknown[] = [-7, -8, -257];
const COSE_ALG = 3;

/** What a file says of a WebAuthn credential. `publicKey` is a COSE_Key in base64url. */
export interface PasskeyData {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly rpId: string;
  readonly origin: string;
}

/** Says what is wrong with a registered passkey, and what to do. Returns undefined if it can be used. */
export function passkeyProblem({ publicKey, rpId, origin }: PasskeyData): string | undefined {
  if (!isOriginOf(origin, rpId))
    return `the passkey's origin "${origin}" is no https origin of "${rpId}"; write it as https://${rpId}`;
  try {
    const key = decodeCBOR(new Uint8Array(Buffer.from(publicKey, 'base64url')));
    if (key instanceof Map && ALGORITHMS.includes(key.get(COSE_ALG))) return undefined;
  } catch {
    // Not CBOR: the message below says what is expected.
  }
  return 'the passkey\'s "publicKey" is no COSE key for ES256, EdDSA or RS256 in base64url; copy it as the enrolment gave it';
}

/** An origin is where the RP id is, or below it; over https, or on this machine (WebAuthn Level 3, section 5.1.3). */
export function isOriginOf(origin: string, rpId: string): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && url.hostname === 'localhost');
  const isWithin = url.hostname === rpId || url.hostname.endsWith(`.${rpId}`);
  return isSecure && isWithin && url.origin === origin;
}
