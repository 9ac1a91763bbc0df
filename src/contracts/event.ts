import { z } from 'zod';
import type { DomainEvent } from '../domain/event';
import { END_CAUSES, LEASE_ENDS } from '../domain/lease';
import { ASSURANCE_LEVELS } from '../domain/principal';
import { REFUSAL_CODES } from '../domain/refusal';
import { VERDICTS } from '../domain/review';
import { OUTCOMES, VERBS } from '../domain/statement';
import { approvalPathSchema, assessmentSchema } from './evidence';
import { instantMs, principalId, requestId, signedEnvelopeSchema, submissionSchema } from './request';

/*
 * One schema for each domain event, as workers answer them and as evidence keeps them. Objects that later versions may
 * extend are loose: members that this version does not know pass through. Members that it needs must be present and valid.
 */

export const digest = z.string().regex(/^sha-256:[\w-]{43}$/, 'is not a sha-256 digest');
export const name = z.string().max(256);
/** Milliseconds since the epoch. A target's clock may be finer than one millisecond, so fractions are allowed. */
export const moment = z.number().min(0).max(8_640_000_000_000_000);
const revision = z.number().int().min(0);
export const verb = z.enum(VERBS);
const assurance = z.enum(ASSURANCE_LEVELS);
export const refusalSchema = z.strictObject({ code: z.enum(REFUSAL_CODES), detail: z.string().max(2_000) });

export const recognition = z.strictObject({
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
  durationMs: z.number().int().positive().exactOptional(),
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
  offer: z.string().exactOptional(),
  comment: z.string().exactOptional(),
});
/** What an accepted and a verified statement have in common. */
export const proved = {
  statement,
  keyId: name,
  assurance,
  channel: name,
  directoryDigest: digest,
  envelope: signedEnvelopeSchema,
};
export const people = z.array(principalId);
export const emergencyReroute = z.looseObject({
  condition: name,
  substituteGroups: z.array(name),
  reviewWithinMs: z.number(),
  reviewers: people,
});
export const lease = z.looseObject({
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
export const leaseEnd = z.enum(LEASE_ENDS);
export const cause = z.enum(END_CAUSES);
export const held = z.looseObject({ lease, endedAtMs: moment });
/** A loose object with a moment and a type, as events and commands are. */
export const happened = <Type extends string, Shape extends z.core.$ZodLooseShape>(
  type: Type,
  shape: Shape,
) => z.looseObject({ atMs: instantMs, type: z.literal(type), ...shape });
const by = principalId;
const onStage = { stage: name, awaiting: people };

/** One recorded event. Its type says which of the schemas applies; an unknown type is refused. */
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
  happened('approval_counted', {
    by,
    stage: name,
    jti: name,
    expiresAtMs: moment,
    durationMs: z.number().int().positive().exactOptional(),
  }),
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

/** More events than one request can come to. */
const MOST_EVENTS = 20_000;

/** All events of one request, oldest first. */
export const eventsSchema = z.array(eventSchema).max(MOST_EVENTS);

/** `departed` is computed when access is given and never recorded, so no schema of recorded data has it. */
type NeverRecorded = 'departed';

/**
 * The members of a type that are named in it, at every depth, each marked as required or optional. What a loose object
 * lets through beyond them does not appear.
 */
type NamedMembers<Value> = Value extends readonly (infer Item)[]
  ? readonly NamedMembers<Item>[]
  : Value extends object
    ? {
        [Member in keyof Value as string extends Member
          ? never
          : Exclude<Member, NeverRecorded>]-?: undefined extends Value[Member]
          ? { optional: NamedMembers<Exclude<Value[Member], undefined>> }
          : { required: NamedMembers<Value[Member]> };
      }
    : Value;

interface Typed {
  readonly type: string;
}

/**
 * The types of `Domain` that have no schema in `Schema`, or one with other members; and types that only `Schema` has.
 * `never` if both agree, so `true satisfies [DifferentTypes<A, B>] extends [never] ? true : …` compiles only then.
 */
export type DifferentTypes<Domain extends Typed, Schema extends Typed> =
  | Exclude<Schema['type'], Domain['type']>
  | {
      [Type in Domain['type']]: [NamedMembers<Extract<Domain, { type: Type }>>] extends [
        NamedMembers<Extract<Schema, { type: Type }>>,
      ]
        ? [NamedMembers<Extract<Schema, { type: Type }>>] extends [
            NamedMembers<Extract<Domain, { type: Type }>>,
          ]
          ? never
          : Type
        : Type;
    }[Domain['type']];

type DifferentEvents = DifferentTypes<DomainEvent, z.infer<typeof eventSchema>>;
void (true satisfies [DifferentEvents] extends [never] ? true : DifferentEvents);
