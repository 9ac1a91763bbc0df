import { LIMITS } from './limits';
import { accepted, type Result, refused } from './refusal';
import type { SignedEnvelope } from './request';

const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Reads what a signal or an update carried as a signed envelope. Total over anything at all: the workflow calls it on
 * raw input, where an exception would stop the request's timers. Agrees with `signedEnvelopeSchema` at the edges, which takes longer
 * ones as well: the proofs of submissions.
 */
export function decodeEnvelope(value: unknown): Result<SignedEnvelope> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused('MALFORMED', 'not a signed statement');
  const { format, jws, ...others } = value as Readonly<Record<string, unknown>>;
  if (format !== 'jws' || typeof jws !== 'string' || Object.keys(others).length > 0)
    return refused('MALFORMED', "not of the form { format: 'jws', jws }");
  if (jws.length > LIMITS.statementBytes)
    return refused('TOO_LARGE', `a signed statement may have ${LIMITS.statementBytes} bytes`);
  if (!COMPACT_JWS.test(jws)) return refused('MALFORMED', 'not a compact JWS');
  return accepted({ format: 'jws', jws });
}
