import { createHash } from 'node:crypto';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import canonicalize from 'canonicalize';
import type { Passkey } from '../directory/directory';
import { accepted, type Result, refused } from '../domain/refusal';
import type { WebauthnEnvelope } from '../domain/request';
import type { AuthenticatorFacts } from '../domain/statement';

/** The claims that a passkey signed, decoded from JSON and no further. */
export interface VerifiedAssertion {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly authenticator: AuthenticatorFacts;
}

/**
 * Verifies that `passkey` signed exactly the claims in `envelope`, with the user present and verified, on a page of the
 * origin that the key was registered for (WebAuthn Level 3, section 7.2). The challenge is the SHA-256 of the claims' text, so
 * the signature covers every claim; the text has to be its own canonical form (RFC 8785), so that it has one reading.
 *
 * Refuses with `MALFORMED` (claims, client data), `BAD_SIGNATURE` (anything the signature does not cover, or covers otherwise),
 * `WEAK_ASSURANCE` (user not verified).
 */
export async function verifyAssertion(
  envelope: WebauthnEnvelope,
  passkey: Passkey,
): Promise<Result<VerifiedAssertion>> {
  const claims = readCanonicalObject(envelope.claims);
  if (claims === undefined) return refused('MALFORMED', 'the claims are not an object in canonical JSON');
  const clientData = readJson(fromBase64url(envelope.clientDataJSON));
  const mismatch = checkClientData(clientData, envelope.claims, passkey);
  if (mismatch !== undefined) return mismatch;
  // Loaded on first use: whoever never sees a passkey does not pay for its ASN.1 and CBOR.
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: responseOf(envelope),
      expectedChallenge: challengeOf(envelope.claims),
      expectedOrigin: passkey.origin,
      expectedRPID: passkey.rpId,
      requireUserVerification: false,
      credential: {
        id: passkey.keyId,
        publicKey: new Uint8Array(Buffer.from(passkey.publicKey, 'base64url')),
        // What is verified here, years later too and in any order, has no counter to compare with. It is kept on record.
        counter: 0,
      },
    });
    if (!verified) return refused('BAD_SIGNATURE', 'the signature does not hold');
    if (!authenticationInfo.userVerified)
      return refused('WEAK_ASSURANCE', 'the authenticator did not verify its user (PIN, finger, face)');
    const { newCounter, credentialDeviceType, credentialBackedUp } = authenticationInfo;
    return accepted({
      claims,
      authenticator: {
        signCount: newCounter,
        backupEligible: credentialDeviceType === 'multiDevice',
        backedUp: credentialBackedUp,
      },
    });
  } catch (error) {
    return refused('BAD_SIGNATURE', `the passkey's signature does not hold: ${firstLine(error)}`);
  }
}

/** The challenge under which claims are signed: base64url of the SHA-256 of their canonical text. */
const challengeOf = (claims: string): string =>
  createHash('sha256').update(claims, 'utf8').digest('base64url');

/** Checks what the browser says of the ceremony before the signature over it is looked at; each refusal names its member. */
function checkClientData(clientData: unknown, claims: string, passkey: Passkey): Result<never> | undefined {
  if (typeof clientData !== 'object' || clientData === null || Array.isArray(clientData))
    return refused('MALFORMED', 'clientDataJSON is not a JSON object');
  const { type, challenge, origin, crossOrigin, topOrigin } = clientData as Readonly<Record<string, unknown>>;
  if (type !== 'webauthn.get') return refused('BAD_SIGNATURE', 'clientDataJSON.type is not webauthn.get');
  if (challenge !== challengeOf(claims))
    return refused('BAD_SIGNATURE', 'clientDataJSON.challenge is not the digest of the claims');
  if (origin !== passkey.origin)
    return refused('BAD_SIGNATURE', `clientDataJSON.origin is not ${passkey.origin}`);
  // Refused even with our own origin on top: a frame is drawn by the page around it.
  if (crossOrigin === true || topOrigin !== undefined)
    return refused('BAD_SIGNATURE', 'signed inside a frame of another page');
  return undefined;
}

function responseOf(envelope: WebauthnEnvelope): AuthenticationResponseJSON {
  const { credentialId, authenticatorData, clientDataJSON, signature } = envelope;
  return {
    id: credentialId,
    rawId: credentialId,
    type: 'public-key',
    clientExtensionResults: {},
    response: { authenticatorData, clientDataJSON, signature },
  };
}

/** Parses an object whose text is its own canonical form: one member of each name, one spelling of each value. */
function readCanonicalObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = readJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return canonicalize(value) === text ? { ...value } : undefined;
}

function readJson(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Decodes base64url as UTF-8. Returns undefined where the bytes are no UTF-8. */
function fromBase64url(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64url'));
  } catch {
    return undefined;
  }
}

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : 'unreadable').split('\n', 1)[0]?.slice(0, 160) ?? '';
