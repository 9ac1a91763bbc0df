import { z } from 'zod';
import { identifier, text } from '../contracts/request';
import { LIMITS } from '../domain/limits';
import { ASSURANCE_LEVELS } from '../domain/principal';
import { durationUpTo } from './duration';

/** Stands, in a stage, for the group that answers for the resource at hand (`owners` in the catalog). */
export const RESOURCE_OWNERS = 'resource-owners';
/** Stands, in `@path`, for no path: policy alone lets the request through. */
export const POLICY_ALONE = 'policy-alone';

const waiting = durationUpTo(LIMITS.pendingLifeMs);

const stageSchema = z
  .strictObject({
    name: identifier,
    approvers: z.array(identifier).min(1).max(LIMITS.stages),
    substitutes: z.array(identifier).max(LIMITS.stages).default([]),
    quorum: z.number().int().min(1).max(LIMITS.quorum),
    assurance: z.enum(ASSURANCE_LEVELS),
    remindAfter: waiting,
    escalateAfter: waiting,
    expireAfter: waiting,
  })
  .refine((stage) => stage.remindAfter <= stage.escalateAfter && stage.escalateAfter <= stage.expireAfter, {
    path: ['expireAfter'],
    message: 'must not come before escalateAfter, nor that before remindAfter; put the three in order',
  });
export type StageDefinition = z.output<typeof stageSchema>;

const pathSchema = z.strictObject({
  title: text(200),
  maxDuration: durationUpTo(LIMITS.grantMs).exactOptional(),
  /** Group that reviews grants made by this path, in place of the bundle's. */
  reviewers: identifier.exactOptional(),
  /** Other paths that governance may have a stalled request go by, in place of this one. */
  alternatives: z.array(identifier).max(LIMITS.stages).default([]),
  stages: z.array(stageSchema).min(1).max(LIMITS.stages),
});

const askingAgainSchema = z.strictObject({
  /** How far back an earlier request or a denial counts. */
  within: durationUpTo(LIMITS.grantMs).default(24 * 3_600_000),
  /** Requests for the same that may end without access before the next is refused. */
  limit: z.number().int().min(1).max(1_000).default(3),
  nearLimit: z.number().int().min(1).max(1_000).default(10),
  /** Requests for the same that may be open at once. */
  openLimit: z.number().int().min(1).max(100_000).default(20),
  /** How many more people each stage needs after a refusal. */
  raiseQuorumBy: z.number().int().min(0).max(LIMITS.quorum).default(1),
});
export type AskingAgainRules = z.output<typeof askingAgainSchema>;

const emergenciesSchema = z.strictObject({
  within: durationUpTo(LIMITS.grantMs).default(7 * 86_400_000),
  /** Emergency grants of one identity, or of one requester, in that time. */
  limit: z.number().int().min(1).max(1_000).default(3),
});
export type EmergencyRules = z.output<typeof emergenciesSchema>;

const emergencyRerouteSchema = z.strictObject({
  title: text(200),
  /** Groups from which a replacement may come beside a stage's substitutes. */
  substitutes: z.array(identifier).min(1).max(LIMITS.stages),
  reviewWithin: durationUpTo(LIMITS.grantMs),
});
export type EmergencyRerouteRule = z.output<typeof emergencyRerouteSchema>;

const LONGEST_PATTERN = 256;

const ticketPattern = z
  .string()
  .max(LONGEST_PATTERN)
  .transform((source, context) => {
    try {
      return new RegExp(`^(?:${source})$`);
    } catch {
      context.addIssue({ code: 'custom', message: 'is not a regular expression; correct it' });
      return z.NEVER;
    }
  });

/** `paths.yaml`: who approves what, how long each waits, and on which grounds governance may step in. */
export const pathsSchema = z.strictObject({
  ticketPattern,
  rerouteReasons: z.record(identifier, text(200)),
  emergencyConditions: z.record(identifier, text(200)).default({}),
  /** Conditions under which a reroute reaches further, each at the price of a review. */
  emergencyReroutes: z.record(identifier, emergencyRerouteSchema).default({}),
  emergencies: emergenciesSchema.prefault({}),
  askingAgain: askingAgainSchema.prefault({}),
  /** Words in a request that approvers are made aware of, each with the reason. They decide nothing. */
  scrutiny: z.record(text(100), text(200)).default({}),
  /** Group that reviews what was granted on the promise of a review. */
  reviewers: identifier,
  paths: z.record(identifier, pathSchema),
});
export type PathsData = z.output<typeof pathsSchema>;

/** A named approval path as the bundle defines it, before it is resolved to people. */
export interface PathDefinition extends z.output<typeof pathSchema> {
  readonly name: string;
}
