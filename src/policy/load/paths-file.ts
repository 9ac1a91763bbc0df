import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { identifier, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { ASSURANCE_LEVELS } from '../../domain/principal';

/** In a stage: a placeholder for the group that owns the requested resource (`owners` in the catalog). */
export const RESOURCE_OWNERS = 'resource-owners';
/** In `@path`: no path, because policy alone permits the request. */
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
  /** How long an approval or confirmation counts after it was signed. Without it, for a day. */
  approvalsCountFor: durationUpTo(LIMITS.approvalLifeMs).exactOptional(),
  /** The group that reviews grants by this path, instead of the bundle's. */
  reviewers: identifier.exactOptional(),
  /** Other paths that governance may switch a stalled request to. */
  alternatives: z.array(identifier).max(LIMITS.stages).default([]),
  stages: z.array(stageSchema).min(1).max(LIMITS.stages),
});

const askingAgainSchema = z.strictObject({
  /** How far back earlier requests and denials count. */
  within: durationUpTo(LIMITS.grantMs).default(24 * 3_600_000),
  /** How many requests for the same may end without access before the next is refused. */
  limit: z.number().int().min(1).max(1_000).default(3),
  nearLimit: z.number().int().min(1).max(1_000).default(10),
  /** How many requests for the same may be open at once. */
  openLimit: z.number().int().min(1).max(100_000).default(20),
  /** How many more people each stage needs after a refusal. */
  raiseQuorumBy: z.number().int().min(0).max(LIMITS.quorum).default(1),
});
export type AskingAgainRules = z.output<typeof askingAgainSchema>;

const emergenciesSchema = z.strictObject({
  within: durationUpTo(LIMITS.grantMs).default(7 * 86_400_000),
  /** How many emergency grants one identity, or one requester, may have in that time. */
  limit: z.number().int().min(1).max(1_000).default(3),
});
export type EmergencyRules = z.output<typeof emergenciesSchema>;

const emergencyRerouteSchema = z.strictObject({
  title: text(200),
  /** Groups from which a replacement may come, besides a stage's substitutes. */
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

/** `paths.yaml`: who approves what, how long each stage waits, and on which grounds governance may reroute. */
export const pathsSchema = z.strictObject({
  ticketPattern,
  rerouteReasons: z.record(identifier, text(200)),
  emergencyConditions: z.record(identifier, text(200)).default({}),
  /** Conditions under which a reroute reaches further. Each owes a review. */
  emergencyReroutes: z.record(identifier, emergencyRerouteSchema).default({}),
  emergencies: emergenciesSchema.prefault({}),
  askingAgain: askingAgainSchema.prefault({}),
  /** Words in a request that are pointed out to approvers, each with the reason. They decide nothing. */
  scrutiny: z.record(text(100), text(200)).default({}),
  /** The group that reviews grants which owe a review. */
  reviewers: identifier,
  paths: z.record(identifier, pathSchema),
});
export type PathsData = z.output<typeof pathsSchema>;

/** A named approval path of the bundle, before it is resolved to people. */
export interface PathDefinition extends z.output<typeof pathSchema> {
  readonly name: string;
}
