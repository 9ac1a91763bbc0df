import { LIMITS } from './limits';
import { accepted, type Result, refused } from './refusal';
import { envelopeText, type SignedEnvelope } from './request';

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const BASE64URL = /^[\w-]+$/;

/**
 * Decodes the payload of a signal or an update as a signed envelope. Never throws, whatever the payload is: the workflow
 * calls it on raw input, where an exception would stop the request's timers. `signedEnvelopeSchema` at the edges accepts
 * the same envelopes, and longer ones, because the proofs of submissions may be longer.
 */
export function decodeEnvelope(value: unknown): Result<SignedEnvelope> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused('MALFORMED', 'not a signed statement');
  const members = value as Readonly<Record<string, unknown>>;
  switch (members['format']) {
    case 'webauthn':
      return decodeWebauthn(members);
    case 'attested':
      return decodeAttested(members);
    default:
      return decodeJws(members);
  }
}

function decodeJws({ format, jws, ...others }: Readonly<Record<string, unknown>>): Result<SignedEnvelope> {
  if (format !== 'jws' || typeof jws !== 'string' || Object.keys(others).length > 0)
    // These words are in recorded histories, which a replay compares.
    return refused('MALFORMED', "not of the form { format: 'jws', jws }");
  if (jws.length > LIMITS.statementBytes)
    return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
  if (!COMPACT_JWS.test(jws)) return refused('MALFORMED', 'not a compact JWS');
  return accepted({ format: 'jws', jws });
}

function decodeAttested({
  format: _format,
  attested,
  ...others
}: Readonly<Record<string, unknown>>): Result<SignedEnvelope> {
  if (typeof attested !== 'string' || Object.keys(others).length > 0)
    return refused('MALFORMED', "not of the form { format: 'attested', attested }");
  if (attested.length > LIMITS.statementBytes)
    return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
  if (!COMPACT_JWS.test(attested)) return refused('MALFORMED', 'not a compact JWS');
  return accepted({ format: 'attested', attested });
}

function decodeWebauthn(members: Readonly<Record<string, unknown>>): Result<SignedEnvelope> {
  const {
    format: _format,
    claims,
    credentialId,
    authenticatorData,
    clientDataJSON,
    signature,
    ...others
  } = members;
  if (
    typeof claims !== 'string' ||
    typeof credentialId !== 'string' ||
    typeof authenticatorData !== 'string' ||
    typeof clientDataJSON !== 'string' ||
    typeof signature !== 'string' ||
    Object.keys(others).length > 0
  )
    return refused(
      'MALFORMED',
      "not of the form { format: 'webauthn', claims, credentialId, authenticatorData, clientDataJSON, signature }",
    );
  const envelope = {
    format: 'webauthn',
    claims,
    credentialId,
    authenticatorData,
    clientDataJSON,
    signature,
  } as const;
  if (envelopeText(envelope).length > LIMITS.statementBytes)
    return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
  if (![credentialId, authenticatorData, clientDataJSON, signature].every((part) => BASE64URL.test(part)))
    return refused(
      'MALFORMED',
      'credentialId, authenticatorData, clientDataJSON and signature are base64url',
    );
  return accepted(envelope);
}
