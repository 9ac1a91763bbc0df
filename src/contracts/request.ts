import { z } from 'zod';
import { LIMITS } from '../domain/limits';
import { isPrincipalId } from '../domain/principal';
import type { AccessRequest, SignedEnvelope, Submission } from '../domain/request';

/** Text of several lines. What shows it sees to it that none of them passes for a line of its own (`printable`). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is what it is for
const PRINTABLE = /^[^\u0000-\u0008\u000b-\u001f\u007f\u202a-\u202e\u2066-\u2069]*$/;

export const text = (longest: number) =>
  z.string().min(1).max(longest).regex(PRINTABLE, 'has control characters');

/** No line break of any script, no tab, no control character, and nothing that turns the direction of writing. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is what it is for
const ONE_LINE = /^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/;
/** The same, of several lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is what it is for
const PLAN = /^[^\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/;

/** Text that people read on one line, in which no content can pass for the line that follows. */
export const line = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(ONE_LINE, 'must be one line of plain text, without line breaks, tabs or other control characters');
/** Text that is a plan or a procedure, and may have several lines. */
export const paragraph = (longest: number) =>
  z.string().min(1).max(longest).regex(PLAN, 'has control characters');
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

/**
 * An access request as it is read, one of long ago too. Unknown members are refused: what is not understood is not signed
 * for. What is asked now has to be a `newRequestSchema`.
 */
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

/** What approvers read of a request, as a new one has to write it. The reason and the ticket are one line each. */
export const newRequestSchema = accessRequestSchema.extend({
  reason: line(LIMITS.reasonCharacters),
  ticket: line(LIMITS.ticketCharacters).exactOptional(),
  containment: paragraph(LIMITS.reasonCharacters).exactOptional(),
  rollback: paragraph(LIMITS.reasonCharacters).exactOptional(),
}) satisfies z.ZodType<AccessRequest>;

export const submissionSchema = z.strictObject({
  request: accessRequestSchema,
  proof: signedEnvelopeSchema,
}) satisfies z.ZodType<Submission>;

/** A submission as it is taken in: by the client, and once more by the worker, which takes nobody's word for that. */
export const newSubmissionSchema = submissionSchema.extend({
  request: newRequestSchema,
}) satisfies z.ZodType<Submission>;
