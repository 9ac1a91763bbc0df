import { z } from 'zod';
import { approvalPathSchema, assessmentSchema } from '../../contracts/evidence';
import {
  instantMs,
  principalId,
  requestId,
  signedEnvelopeSchema,
  submissionSchema,
} from '../../contracts/request';
import type { Command } from '../../domain/command';
import type { DomainEvent } from '../../domain/event';
import { END_CAUSES, LEASE_ENDS } from '../../domain/lease';
import { ASK_ENDS } from '../../domain/precedents';
import { ASSURANCE_LEVELS, PRINCIPAL_KINDS } from '../../domain/principal';
import { REFUSAL_CODES } from '../../domain/refusal';
import { OUTCOMES, type StatementCheck, VERBS, VERDICTS } from '../../domain/statement';
import type { ReceivedMessage } from '../../workflows/journal';

/*
 * What happened to a request, as evidence has it. Members that later versions add are let through here and found by
 * whoever folds the course again; what this version needs must be there and be what it says.
 */

const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');
const name = z.string().max(256);
/** A target may tell the time more finely than by the millisecond; a time that no calendar has it cannot tell. */
const moment = z.number().min(0).max(8_640_000_000_000_000);
const revision = z.number().int().min(0);
const verb = z.enum(VERBS);
const assurance = z.enum(ASSURANCE_LEVELS);
export const refusalSchema = z.strictObject({ code: z.enum(REFUSAL_CODES), detail: z.string().max(2_000) });

const recognition = z.strictObject({
  principal: principalId,
  keyId: name,
  assurance,
  channel: name,
  directoryDigest: digest,
});
const statement = z.looseObject({
  iss: principalId,
  jti: name,
  issuedAtMs: moment,
  expiresAtMs: moment,
  verb,
  request: requestId,
  digest,
  revision,
  stage: name.exactOptional(),
  reasonCode: name.exactOptional(),
  ticket: name.exactOptional(),
  policyBasis: name.exactOptional(),
  replacement: z
    .strictObject({ replace: principalId, with: principalId, untilMs: instantMs })
    .exactOptional(),
  switchTo: z.strictObject({ path: name, untilMs: instantMs }).exactOptional(),
  emergencyCondition: name.exactOptional(),
  endorses: name.exactOptional(),
  verdict: z.enum(VERDICTS).exactOptional(),
  outcome: z.enum(OUTCOMES).exactOptional(),
  reporter: principalId.exactOptional(),
  comment: z.string().exactOptional(),
});
const proved = {
  statement,
  keyId: name,
  assurance,
  channel: name,
  directoryDigest: digest,
  envelope: signedEnvelopeSchema,
};
const standing = z.strictObject({
  id: principalId,
  kind: z.enum(PRINCIPAL_KINDS),
  active: z.boolean(),
  roles: z.array(name),
  groups: z.array(name),
  standsInFor: z.array(principalId).exactOptional(),
});
const people = z.array(principalId);
const ask = z.looseObject({
  request: name,
  requester: principalId,
  beneficiary: principalId,
  entitlement: z.string(),
  control: name.exactOptional(),
  askedAtMs: moment,
  outcome: z.enum(['hard_stop', 'refuse', 'permit', 'approve']).exactOptional(),
  approvers: z.record(z.string(), people),
  end: z.enum(ASK_ENDS).exactOptional(),
  endedBy: principalId.exactOptional(),
  endedAtMs: z.number().exactOptional(),
  granted: z.boolean(),
});
const denial = z.looseObject({
  id: name,
  reportedBy: principalId,
  subject: principalId,
  control: name.exactOptional(),
  resource: z.string().exactOptional(),
  reasonCode: z.string(),
  deniedAtMs: moment,
});
const grant = z.looseObject({
  request: name,
  requester: principalId,
  beneficiary: principalId,
  emergency: z.boolean(),
  grantedAtMs: moment,
  reviewDueAtMs: moment.exactOptional(),
  verdict: z.enum(VERDICTS).exactOptional(),
});
const precedents = z
  .strictObject({
    asks: z.array(ask),
    denials: z.array(denial),
    grants: z.array(grant),
    askedAtMs: z.number().exactOptional(),
  })
  .describe('what policy was told of the past');
const emergencyReroute = z.looseObject({
  condition: name,
  substituteGroups: z.array(name),
  reviewWithinMs: z.number(),
  reviewers: people,
});
const rerouteFacts = z.looseObject({
  reasonCodeListed: z.boolean(),
  ticketFound: z.boolean(),
  policyBasisListed: z.boolean(),
  candidate: standing.exactOptional(),
  candidateStages: z.array(name),
  alternative: approvalPathSchema.exactOptional(),
  emergency: emergencyReroute.exactOptional(),
  policyDigest: digest.exactOptional(),
  precedents: precedents.exactOptional(),
});
const checkSchema = z.discriminatedUnion('verified', [
  z.strictObject({
    verified: z.literal(true),
    facts: z.looseObject({ ...proved, signer: standing, reroute: rerouteFacts.exactOptional() }),
  }),
  z.strictObject({
    verified: z.literal(false),
    attempt: z.strictObject({
      refusal: refusalSchema,
      claimedVerb: verb.exactOptional(),
      claimedIssuer: z.string().exactOptional(),
      claimedId: z.string().exactOptional(),
    }),
  }),
]) satisfies z.ZodType<StatementCheck>;
const lease = z.looseObject({
  id: name,
  account: name,
  grantedAtMs: moment,
  expiresAtMs: moment,
});
const reroute = z.looseObject({
  jti: name,
  by: principalId,
  stage: name,
  replace: principalId,
  with: principalId,
  untilMs: moment,
  reasonCode: name,
  ticket: name,
  policyBasis: name,
  policyDigest: z.string(),
  endorsementNeeded: z.boolean(),
  emergency: emergencyReroute.exactOptional(),
});
const change = z.looseObject({
  jti: name,
  by: principalId,
  from: name,
  path: approvalPathSchema,
  untilMs: moment,
  reasonCode: name,
  ticket: name,
  policyBasis: name,
  policyDigest: z.string(),
  endorsementNeeded: z.boolean(),
});
const leaseEnd = z.enum(LEASE_ENDS);
const cause = z.enum(END_CAUSES);
const reviewDebt = z.looseObject({ dueAtMs: instantMs, reviewers: people });
const held = z.looseObject({ lease, endedAtMs: moment });
const atMs = instantMs;
const happened = <Type extends string, Shape extends z.core.$ZodLooseShape>(type: Type, shape: Shape) =>
  z.looseObject({ atMs, type: z.literal(type), ...shape });
const by = principalId;
const onStage = { stage: name, awaiting: z.array(principalId) };

export const eventSchema = z.discriminatedUnion('type', [
  happened('submitted', { submission: submissionSchema, digest }),
  happened('submission_rejected', { refusal: refusalSchema }),
  happened('recognised', { recognition }),
  happened('assessed', { assessment: assessmentSchema }),
  happened('hard_stopped', {}),
  happened('refused', {}),
  happened('permitted', {}),
  happened('confirmation_awaited', {}),
  happened('stage_opened', { stage: name, revision }),
  happened('statement_accepted', { accepted: z.looseObject(proved) }),
  happened('statement_refused', {
    refusal: refusalSchema,
    verb: verb.exactOptional(),
    by: z.string().exactOptional(),
    jti: z.string().exactOptional(),
  }),
  happened('statements_dropped', { count: z.number().int().positive() }),
  happened('approval_counted', { by, stage: name, jti: name, expiresAtMs: moment }),
  happened('approval_lapsed', { by, stage: name, jti: name }),
  happened('confirmed', { by, jti: name, expiresAtMs: moment }),
  happened('confirmation_lapsed', { by, jti: name }),
  happened('stage_completed', { stage: name }),
  happened('approved', {}),
  happened('denied', { by }),
  happened('cancelled', { by }),
  happened('withdrawn', { by }),
  happened('reroute_proposed', { reroute }),
  happened('rerouted', { reroute, endorsedBy: by.exactOptional(), revision }),
  happened('reroute_unendorsed', { jti: name }),
  happened('replacement_lapsed', { jti: name, revision }),
  happened('switch_proposed', { change }),
  happened('path_switched', { change, endorsedBy: by.exactOptional(), revision }),
  happened('switch_unendorsed', { jti: name }),
  happened('switch_lapsed', { jti: name, revision }),
  happened('review_owed', { dueAtMs: moment }),
  happened('reminded', onStage),
  happened('escalated', onStage),
  happened('lapsed', {}),
  happened('provisioning_started', {}),
  happened('provisioning_failed', { refusal: refusalSchema }),
  happened('granted', {
    lease,
    reviewDueAtMs: moment.exactOptional(),
    reviewers: people.exactOptional(),
  }),
  happened('ending_ordered', { end: leaseEnd, by: by.exactOptional() }),
  happened('access_ended', {
    end: leaseEnd,
    endedAtMs: moment.exactOptional(),
    cause: cause.exactOptional(),
  }),
  happened('barred', { held: held.exactOptional() }),
  happened('review_overdue', {}),
  happened('reviewed', { by, verdict: z.enum(VERDICTS) }),
  happened('execution_reported', {
    outcome: z.enum(OUTCOMES),
    by,
    reporter: by.exactOptional(),
    reasonCode: name.exactOptional(),
  }),
  happened('closed', {}),
]) satisfies z.ZodType<DomainEvent>;

export const commandSchema = z.discriminatedUnion('type', [
  happened('submit', { submission: submissionSchema }),
  happened('reject_submission', { refusal: refusalSchema }),
  happened('record_assessment', {
    assessment: assessmentSchema,
    recognition: recognition.exactOptional(),
    precedents: precedents.exactOptional(),
  }),
  happened('consider', { check: checkSchema }),
  happened('record_dropped', { count: z.number().int().min(0) }),
  happened('tick', {}),
  happened('record_grant', { lease, end: leaseEnd.exactOptional(), review: reviewDebt.exactOptional() }),
  happened('record_provisioning_refusal', { refusal: refusalSchema }),
  happened('record_access_ended', {
    ending: z.looseObject({ end: leaseEnd, atMs: moment, cause: cause.exactOptional() }).exactOptional(),
  }),
  happened('record_barred', { held: held.exactOptional() }),
]) satisfies z.ZodType<Command>;

/** Does not compile where an event or a command has no schema: of its request no evidence could be made. */
type Unknown =
  | Exclude<DomainEvent['type'], z.infer<typeof eventSchema>['type']>
  | Exclude<Command['type'], z.infer<typeof commandSchema>['type']>;
void (true satisfies [Unknown] extends [never] ? true : Unknown);

/** A message as it was taken from the inbox: a signed statement, or why it was none. */
export const receivedSchema = z.strictObject({
  verb: verb.exactOptional(),
  content: z.union([signedEnvelopeSchema, refusalSchema]),
}) satisfies z.ZodType<ReceivedMessage>;
