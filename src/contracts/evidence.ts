import { z } from 'zod';
import { type Assessment, PRECEDENT_KINDS, REASON_CODES } from '../domain/assessment';
import type { DomainEvent } from '../domain/event';
import type { Evidence } from '../domain/evidence';
import { LIMITS } from '../domain/limits';
import { ASK_ENDS } from '../domain/precedents';
import { ASSURANCE_LEVELS } from '../domain/principal';
import { remedySchema } from './remedy';
import {
  foreignName,
  identifier,
  instantMs,
  principalId,
  signedEnvelopeSchema,
  submissionSchema,
} from './request';

const spanMs = z.number().int().min(0).max(LIMITS.pendingLifeMs);
const principals = z.array(principalId).max(LIMITS.eligibleApprovers);
const words = z.string().max(LIMITS.reasonCharacters);
const digest = z.string().max(64);

const stageSchema = z.strictObject({
  name: identifier,
  eligible: principals,
  groups: z.array(identifier).max(LIMITS.stageGroups),
  substituteGroups: z.array(identifier).max(LIMITS.stages),
  delegations: z
    .array(z.strictObject({ from: principalId, to: principalId }))
    .max(LIMITS.eligibleApprovers)
    .exactOptional(),
  quorum: z.number().int().min(1).max(LIMITS.quorum),
  assurance: z.enum(ASSURANCE_LEVELS),
  channels: z.array(identifier).min(1).max(LIMITS.stages).exactOptional(),
  remindAfterMs: spanMs,
  escalateAfterMs: spanMs,
  expireAfterMs: spanMs,
});

export const approvalPathSchema = z.strictObject({
  name: identifier,
  approvalsCountForMs: z.number().int().positive().max(LIMITS.approvalLifeMs).exactOptional(),
  stages: z.array(stageSchema).min(1).max(LIMITS.stages),
});

/** An assessment as it comes back from a history. It is believed only where it is stricter than today's. */
export const assessmentSchema = z.strictObject({
  outcome: z.enum(['hard_stop', 'refuse', 'permit', 'approve']),
  reasonCodes: z.array(z.enum(REASON_CODES)).max(REASON_CODES.length),
  explanation: words,
  safeWay: words.exactOptional(),
  remedy: remedySchema.strict().exactOptional(),
  path: approvalPathSchema.exactOptional(),
  confirmation: z.strictObject({ by: principals, before: z.enum(['approval', 'execution']) }).exactOptional(),
  maxDurationMs: spanMs,
  reviewWithinMs: spanMs.exactOptional(),
  reviewers: principals,
  privileged: z.boolean(),
  parties: z
    .array(
      z.strictObject({
        id: principalId,
        relation: z.enum(['requester', 'beneficiary', 'sponsor', 'owner', 'delegator']),
      }),
    )
    .max(64),
  precedents: z
    .array(
      z.strictObject({
        kind: z.enum(PRECEDENT_KINDS),
        id: identifier,
        about: words,
        by: principalId.exactOptional(),
        atMs: instantMs,
      }),
    )
    .max(LIMITS.linkedPrecedents)
    .exactOptional(),
  flags: z.array(words).max(LIMITS.flags).exactOptional(),
  binding: z.strictObject({ account: foreignName, grant: z.record(z.string(), z.string()) }).exactOptional(),
  determiningPolicies: z.array(identifier).max(256),
  policyDigest: digest,
  directoryDigest: digest,
  engineVersion: z.string().max(64),
  facts: z.record(z.string(), z.unknown()),
  assessedAtMs: instantMs,
}) satisfies z.ZodType<Assessment>;

/** Evidence as an activity task, a file or a peer hands it over. */
export const evidenceSchema = z.strictObject({
  submission: submissionSchema,
  assessment: assessmentSchema,
  statements: z
    .array(z.strictObject({ envelope: signedEnvelopeSchema, receivedAtMs: instantMs }))
    .max(LIMITS.acceptedStatements),
}) satisfies z.ZodType<Evidence>;

export const endAccessSchema = z.strictObject({
  connector: identifier,
  leaseId: identifier,
  reason: z.enum(['expired', 'revoked', 'barred']),
  end: z.enum(ASK_ENDS).exactOptional(),
});

/**
 * Puts the evidence of a request together from its events, which may come from an untrusted place: evidence proves
 * itself. Returns undefined if the events are not those of an assessed request.
 */
export function evidenceOf(events: readonly DomainEvent[]): Evidence | undefined {
  let submission: unknown;
  let assessment: unknown;
  const statements: unknown[] = [];
  for (const event of events) {
    if (event.type === 'submitted') submission = event.submission;
    if (event.type === 'assessed') assessment = event.assessment;
    // A report about an execution is not a reason for it.
    if (event.type === 'statement_accepted' && event.accepted.statement.verb !== 'report')
      statements.push({ envelope: event.accepted.envelope, receivedAtMs: event.atMs });
  }
  const parsed = evidenceSchema.safeParse({ submission, assessment, statements });
  return parsed.success ? parsed.data : undefined;
}
