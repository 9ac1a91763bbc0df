import { z } from 'zod';
import { LIMITS } from '../domain/limits';
import { isPrincipalId } from '../domain/principal';
import type { AccessRequest, SignedEnvelope, Submission } from '../domain/request';

/** Printable text without control characters, so that a list, a log line or a prompt cannot be forged by content. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is what it is for
const PRINTABLE = /^[^\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/;

export const text = (longest: number) =>
  z.string().min(1).max(longest).regex(PRINTABLE, 'has control characters');
export const identifier = z
  .string()
  .max(LIMITS.identifierCharacters)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, 'is not an identifier');
export const principalId = z
  .string()
  .refine(isPrincipalId, 'is not a principal id such as person/mira or agent/atlas');
export const requestId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$/, 'is not a request id (8 to 64 letters, digits, - and _)');
export const instantMs = z.number().int().min(0).max(8_640_000_000_000_000);

export const signedEnvelopeSchema = z.strictObject({
  format: z.literal('jws'),
  jws: z
    .string()
    .max(LIMITS.requestBytes)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'is not a compact JWS'),
}) satisfies z.ZodType<SignedEnvelope>;

/** An access request as it crosses a boundary. Unknown members are refused: what is not understood is not signed for. */
export const accessRequestSchema = z.strictObject({
  id: requestId,
  kind: z.enum(['access', 'execution']),
  requester: principalId,
  beneficiary: principalId,
  entitlement: z.strictObject({ connector: identifier, resource: identifier, action: identifier }),
  parameters: z
    .strictObject({
      tool: identifier,
      toolVersion: identifier,
      target: identifier,
      arguments: z.record(z.string(), z.json()),
    })
    .exactOptional(),
  durationMs: z.number().int().positive().max(LIMITS.grantMs),
  emergency: z.boolean(),
  emergencyCondition: identifier.exactOptional(),
  reason: text(LIMITS.reasonCharacters),
  ticket: text(LIMITS.ticketCharacters).exactOptional(),
  onBehalfOf: z.array(principalId).max(LIMITS.onBehalfOfLinks),
  containment: text(LIMITS.reasonCharacters).exactOptional(),
  rollback: text(LIMITS.reasonCharacters).exactOptional(),
  submittedAtMs: instantMs,
}) satisfies z.ZodType<AccessRequest>;

export const submissionSchema = z.strictObject({
  request: accessRequestSchema,
  proof: signedEnvelopeSchema,
}) satisfies z.ZodType<Submission>;
