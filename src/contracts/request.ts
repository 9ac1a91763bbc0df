import { z } from 'zod';
import {
  hasInvisible,
  hasInvisibleInLines,
  isBlank,
  isNormal,
  isUnicode,
  textsIn,
} from '../domain/characters';
import { LIMITS } from '../domain/limits';
import { isPrincipalId } from '../domain/principal';
import {
  type AccessRequest,
  type AttestedEnvelope,
  ENTITLEMENT_NAME,
  type Entitlement,
  type JwsEnvelope,
  type Presented,
  parseEntitlement,
  type SignedEnvelope,
  type Submission,
  type WebauthnEnvelope,
} from '../domain/request';

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

const HALF_CHARACTER = 'has half of a character (a lone surrogate), which no canonical JSON can hold';

/** Text that people read on one line, in which no content can pass for the line that follows. */
export const line = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(ONE_LINE, 'must be one line of plain text, without line breaks, tabs or other control characters')
    .refine(isUnicode, HALF_CHARACTER);
/** Text that is a plan or a procedure, and may have several lines. */
export const paragraph = (longest: number) =>
  z.string().min(1).max(longest).regex(PLAN, 'has control characters').refine(isUnicode, HALF_CHARACTER);
/** A name that people tell from others by reading it, such as a ticket. Every character of it can be seen. */
export const label = (longest: number) =>
  line(longest).refine((name) => !hasInvisible(name), 'has a character that nobody can see');

/** Arguments of an exact action: canonical JSON exists for them, and their names read as what they are. */
const newArguments = z.record(z.string(), z.json()).superRefine((given, context) => {
  for (const { path, text, isName } of textsIn(given)) {
    const at = (message: string) => context.addIssue({ code: 'custom', path: [...path], message });
    if (!isUnicode(text)) at(HALF_CHARACTER);
    else if (isName && hasInvisible(text))
      at(`the name ${escaped(text)} has a character that nobody can see`);
  }
});

/** How much of a value a message shows. */
const SHOWN_CHARACTERS = 64;
/** A name as JSON that shows what cannot be seen, short enough for a message. */
const escaped = (text: string): string =>
  `"${[...text.slice(0, SHOWN_CHARACTERS)].map((one) => (hasInvisible(one) ? `U+${codeOf(one)}` : one)).join('')}"`;
const codeOf = (one: string): string => (one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
/** Returns how a message ends that has to show which value it is about. */
const ofValue = (value: unknown): string =>
  typeof value === 'string' ? `: ${escaped(value)}${value.length > SHOWN_CHARACTERS ? '…' : ''}` : '';

/** A name of our own: of a group, a role, a stage, a connector. Strict, so that it can be written anywhere without quotes. */
export const identifier = z
  .string()
  .max(LIMITS.identifierCharacters)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/, {
    error: ({ input }) =>
      `is not an identifier${ofValue(input)}; use letters, digits and . _ : / @ - only, and begin with a letter or digit`,
  });

/**
 * A name that somebody else gives: an account on a target, a tool, what a tool acts on. Any one line whose characters can all
 * be seen, kept as it is. Whether a target can have such a name, the definition of its connector says.
 */
export const foreignName = label(LIMITS.foreignNameCharacters);
export const entitlementText = z
  .string()
  .max(3 * LIMITS.identifierCharacters + 2)
  .regex(ENTITLEMENT_NAME, 'is not of the form connector:resource#action');
/** The same, decoded to its parts. */
export const namedEntitlement = entitlementText.transform(
  (name): Entitlement => parseEntitlement(name) ?? z.NEVER,
);
export const principalId = z
  .string()
  .meta({ pattern: '^[a-z]+/.+$' })
  .refine(isPrincipalId, {
    error: ({ input }) => `is not a principal id such as person/mira or agent/atlas${ofValue(input)}`,
  });
export const requestId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{7,63}$/, 'is not a request id (8 to 64 letters, digits, - and _)');
export const instantMs = z.number().int().min(0).max(8_640_000_000_000_000);

export const jwsEnvelopeSchema = z.strictObject({
  format: z.literal('jws'),
  jws: z
    .string()
    .max(LIMITS.requestBytes)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'is not a compact JWS'),
}) satisfies z.ZodType<JwsEnvelope>;

const base64url = z
  .string()
  .max(LIMITS.statementBytes)
  .regex(/^[\w-]+$/, 'is not base64url');

export const webauthnEnvelopeSchema = z.strictObject({
  format: z.literal('webauthn'),
  claims: z.string().max(LIMITS.statementBytes),
  credentialId: base64url,
  authenticatorData: base64url,
  clientDataJSON: base64url,
  signature: base64url,
}) satisfies z.ZodType<WebauthnEnvelope>;

const attestedEnvelopeSchema = z.strictObject({
  format: z.literal('attested'),
  attested: z
    .string()
    .max(LIMITS.statementBytes)
    .regex(/^[\w-]+\.[\w-]+\.[\w-]+$/, 'is not a compact JWS'),
}) satisfies z.ZodType<AttestedEnvelope>;

export const signedEnvelopeSchema = z.discriminatedUnion('format', [
  jwsEnvelopeSchema,
  webauthnEnvelopeSchema,
  attestedEnvelopeSchema,
]) satisfies z.ZodType<SignedEnvelope>;

const recordedParameters = z.strictObject({
  tool: foreignName,
  toolVersion: foreignName,
  target: foreignName,
  arguments: z.record(z.string(), z.json()),
});

const presentedValues = z.record(
  z.string().max(LIMITS.identifierCharacters),
  z.union([
    z.string().max(LIMITS.presentedCharacters).refine(isUnicode, HALF_CHARACTER),
    z.boolean(),
    z.int(),
  ]),
);
const presentedSchema = z.strictObject({
  subject: presentedValues,
  resource: presentedValues,
  action: presentedValues,
}) satisfies z.ZodType<Presented>;

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
  parameters: recordedParameters.exactOptional(),
  presented: presentedSchema.exactOptional(),
  durationMs: z.number().int().positive().max(LIMITS.grantMs),
  notBeforeMs: instantMs.exactOptional(),
  emergency: z.boolean(),
  emergencyCondition: identifier.exactOptional(),
  reason: text(LIMITS.reasonCharacters),
  ticket: text(LIMITS.ticketCharacters).exactOptional(),
  onBehalfOf: z.array(principalId).max(LIMITS.onBehalfOfLinks),
  containment: text(LIMITS.reasonCharacters).exactOptional(),
  rollback: text(LIMITS.reasonCharacters).exactOptional(),
  submittedAtMs: instantMs,
}) satisfies z.ZodType<AccessRequest>;

/** What people read of a new request and decide by: all of it can be seen, and what reads the same is the same. */
const readable = (schema: z.ZodString) =>
  schema
    .refine((given) => !hasInvisibleInLines(given), 'has a character that nobody can see')
    .refine((given) => !isBlank(given), 'has nothing to read')
    .refine(isNormal, 'is not in Unicode normalization form C (NFC); normalize it');

export const newReason = readable(line(LIMITS.reasonCharacters));
export const newTicket = readable(label(LIMITS.ticketCharacters));
export const newPlan = readable(paragraph(LIMITS.reasonCharacters));

/** What approvers read of a request, as a new one has to write it. The reason and the ticket are one line each. */
export const newRequestSchema = accessRequestSchema.extend({
  parameters: recordedParameters.extend({ arguments: newArguments }).exactOptional(),
  reason: newReason,
  ticket: newTicket.exactOptional(),
  containment: newPlan.exactOptional(),
  rollback: newPlan.exactOptional(),
}) satisfies z.ZodType<AccessRequest>;

export const submissionSchema = z.strictObject({
  request: accessRequestSchema,
  proof: signedEnvelopeSchema,
}) satisfies z.ZodType<Submission>;

/** A submission as it is taken in: by the client, and once more by the worker, which takes nobody's word for that. */
export const newSubmissionSchema = submissionSchema.extend({
  request: newRequestSchema,
}) satisfies z.ZodType<Submission>;
