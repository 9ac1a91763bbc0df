import { z } from 'zod';
import {
  cause,
  type DifferentTypes,
  digest,
  emergencyReroute,
  happened,
  held,
  lease,
  leaseEnd,
  moment,
  name,
  people,
  proved,
  recognition,
  refusalSchema,
  verb,
} from '../../contracts/event';
import { approvalPathSchema, assessmentSchema } from '../../contracts/evidence';
import { instantMs, principalId, signedEnvelopeSchema, submissionSchema } from '../../contracts/request';
import type { Command } from '../../domain/command';
import { ASK_ENDS } from '../../domain/precedents';
import { PRINCIPAL_KINDS } from '../../domain/principal';
import { VERDICTS } from '../../domain/review';
import type { StatementCheck } from '../../domain/statement';
import type { ReceivedMessage } from '../../domain/statement-check';

const standing = z.strictObject({
  id: principalId,
  kind: z.enum(PRINCIPAL_KINDS),
  active: z.boolean(),
  roles: z.array(name),
  groups: z.array(name),
  standsInFor: z.array(principalId).exactOptional(),
});
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
  .describe('the earlier requests, denials and grants that policy considered');
const rerouteCheck = z.looseObject({
  reasonCodeListed: z.boolean(),
  ticketFound: z.boolean(),
  ticketProblem: z.string().max(2_000).exactOptional(),
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
    facts: z.looseObject({
      ...proved,
      signer: standing,
      authenticator: z
        .looseObject({
          signCount: z.number().int().min(0),
          backupEligible: z.boolean(),
          backedUp: z.boolean(),
        })
        .exactOptional(),
      reroute: rerouteCheck.exactOptional(),
    }),
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
const reviewDebt = z.looseObject({ dueAtMs: instantMs, reviewers: people });

/** A command that the workflow gave the core. */
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

type DifferentCommands = DifferentTypes<Command, z.infer<typeof commandSchema>>;
void (true satisfies [DifferentCommands] extends [never] ? true : DifferentCommands);

/** A message from the workflow's inbox: a signed statement, or why it could not be read as one. */
export const receivedSchema = z.strictObject({
  verb: verb.exactOptional(),
  content: z.union([signedEnvelopeSchema, refusalSchema]),
}) satisfies z.ZodType<ReceivedMessage>;
