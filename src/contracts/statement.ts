import { z } from 'zod';
import { LIMITS } from '../domain/limits';
import { CHANNELS } from '../domain/principal';
import { VERDICTS } from '../domain/review';
import { OUTCOMES, type Statement, VERBS } from '../domain/statement';
import { entitlementText, identifier, instantMs, label, line, principalId, requestId, text } from './request';

/** Seconds since the epoch, as RFC 7519 section 2 has them; fractions are allowed there and kept here. */
const numericDate = z.number().min(0).max(8_640_000_000_000);
const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');

/** JOSE `typ` of a token that an identity of the directory signs for itself, with its registered key. */
export const CALLER_TYPE = 'countersign-caller+jwt';
/** JOSE `typ` of the two things that are signed; a token of one kind never passes for the other. */
export const STATEMENT_TYPE = 'countersign-statement+jwt';
export const SUBMISSION_TYPE = 'countersign-submission+jwt';

/** Claims of a statement that was signed at any time. `iat` and `exp` are seconds, as in every JWT. */
export const recordedClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  exp: numericDate,
  verb: z.enum(VERBS),
  request: requestId,
  digest,
  revision: z.number().int().min(0).max(1_000),
  stage: identifier.exactOptional(),
  durationMs: z.number().int().positive().max(LIMITS.grantMs).exactOptional(),
  reasonCode: identifier.exactOptional(),
  ticket: text(LIMITS.ticketCharacters).exactOptional(),
  policyBasis: identifier.exactOptional(),
  replacement: z
    .strictObject({ replace: principalId, with: principalId, untilMs: instantMs })
    .exactOptional(),
  switchTo: z.strictObject({ path: identifier, untilMs: instantMs }).exactOptional(),
  emergencyCondition: identifier.exactOptional(),
  endorses: identifier.exactOptional(),
  verdict: z.enum(VERDICTS).exactOptional(),
  outcome: z.enum(OUTCOMES).exactOptional(),
  reporter: principalId.exactOptional(),
  offer: entitlementText.exactOptional(),
  comment: text(LIMITS.commentCharacters).exactOptional(),
});
/** Claims as a new statement has to have them: what others read of them is one line each. */
export const statementClaimsSchema = recordedClaimsSchema.extend({
  ticket: label(LIMITS.ticketCharacters).exactOptional(),
  comment: line(LIMITS.commentCharacters).exactOptional(),
});
export type StatementClaims = z.infer<typeof statementClaimsSchema>;

/** JOSE `typ` of what a gateway signs about somebody who chose something in a channel. */
export const ATTESTED_STATEMENT_TYPE = 'countersign-attested-statement+jwt';

/** How a channel names a workspace or an account. It has neither a slash nor a space. */
const channelId = z.string().regex(/^[A-Za-z0-9][\w-]{0,63}$/, 'is not an id of a channel');

/** What an attested statement says beyond the claims of a statement: who took it, and where it was chosen. */
export const attestedMembersSchema = z.strictObject({
  /** The identity whose channel key signs. `iss` is the person who chose. */
  attester: principalId,
  via: z.strictObject({
    channel: z.enum(CHANNELS),
    workspace: channelId,
    account: channelId,
    /** The message whose button was pressed: its conversation and its time. */
    message: z.string().regex(/^[\w-]{1,64}\/[\w.-]{1,64}$/, 'is not an id of a message'),
    /** Digest of the authenticated message that the channel sent, byte by byte. */
    received: digest,
  }),
});
export type AttestedMembers = z.infer<typeof attestedMembersSchema>;

/** Claims by which a requester proves to have submitted exactly the request with this digest. */
export const submissionClaimsSchema = z.strictObject({
  iss: principalId,
  jti: identifier,
  iat: numericDate,
  request: requestId,
  digest,
});

/** JOSE `typ` of what a gateway signs about someone who asked through it. */
export const ATTESTATION_TYPE = 'countersign-attestation+jwt';

/** JOSE `typ` of a token that lets one approved action be executed once. */
export const EXECUTION_TYPE = 'countersign-execution+jwt';

/** Claims of an execution token, as its audience reads them. */
export const executionClaimsSchema = z.object({
  aud: z.string(),
  jti: z.string(),
  sub: z.string(),
  exp: z.number(),
  request: z.string(),
  request_digest: z.string(),
  action_digest: z.string(),
  cnf: z.object({ jkt: z.string() }),
});
export type ExecutionClaims = z.infer<typeof executionClaimsSchema>;

const words = text(512);

/**
 * Claims by which a gateway attests who submitted the request with this digest, and by which token it knew. The token
 * itself is never kept: it is a secret, and histories are read by many.
 */
export const attestationClaimsSchema = z.strictObject({
  iss: principalId,
  sub: principalId,
  jti: identifier,
  iat: numericDate,
  request: requestId,
  digest,
  via: z.strictObject({ issuer: words, subject: words, token: digest }),
  /** What the gateway has to find again by itself: which task this belongs to, and whom to tell. */
  task: z
    .strictObject({
      id: requestId,
      index: z.number().int().min(0).max(100),
      items: z.number().int().min(0).max(100),
      body: digest,
      /** The evaluation whose denial this answers, for the record: it decides nothing. */
      evaluation: identifier.exactOptional(),
      scope: z.strictObject({
        binding_hash: z.string().length(43),
        binding_context_members: z.array(identifier).max(16),
      }),
      /** Resource and action of one item of several, as they were sent. */
      echo: z.string().max(4_000).exactOptional(),
      callback: z
        .strictObject({
          endpoint: text(2_000),
          state: text(1_000).exactOptional(),
          events: z.array(identifier).max(16).exactOptional(),
        })
        .exactOptional(),
    })
    .exactOptional(),
});
export type AttestationClaims = z.infer<typeof attestationClaimsSchema>;

/** The statement in the core's terms: milliseconds, named as what they are. */
export function statementOf({ iat, exp, ...rest }: StatementClaims): Statement {
  return { ...rest, issuedAtMs: Math.round(iat * 1_000), expiresAtMs: Math.round(exp * 1_000) };
}
