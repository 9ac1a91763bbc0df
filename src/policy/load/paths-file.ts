import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { identifier, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { ASSURANCE_LEVELS, CHANNELS } from '../../domain/principal';

/** In a stage: a placeholder for the group that owns the requested resource (`owners` in the catalog). */
export const RESOURCE_OWNERS = 'resource-owners';
/** In `@path`: no path, because policy alone permits the request. */
export const POLICY_ALONE = 'policy-alone';

const waiting = durationUpTo(LIMITS.pendingLifeMs);

const stageSchema = z
  .strictObject({
    name: identifier.describe('name of the stage, by which people approve it'),
    approvers: z
      .array(identifier)
      .min(1)
      .max(LIMITS.stages)
      .describe('groups whose people decide; `resource-owners` is the group that owns what is asked for'),
    substitutes: z
      .array(identifier)
      .max(LIMITS.stages)
      .default([])
      .describe('groups from which a governor may name a replacement'),
    quorum: z.number().int().min(1).max(LIMITS.quorum).describe('how many different people have to approve'),
    assurance: z
      .enum(ASSURANCE_LEVELS)
      .describe('how they have to sign: `channel` < `key` < `phishing-resistant` (a passkey)'),
    channels: z
      .array(z.enum(CHANNELS))
      .min(1)
      .refine((named) => new Set(named).size === named.length, 'names a channel twice')
      .exactOptional()
      .describe('chats in which they may choose instead of signing; only with assurance `channel`'),
    remindAfter: waiting.describe('when those who are awaited are reminded'),
    escalateAfter: waiting.describe('when governance is told'),
    expireAfter: waiting.describe('when the request ends without access'),
  })
  .refine(({ channels, assurance }) => channels === undefined || assurance === 'channel', {
    path: ['channels'],
    message: 'would take less than "assurance" says; write "assurance: channel", or remove the channels',
  })
  .refine((stage) => stage.remindAfter <= stage.escalateAfter && stage.escalateAfter <= stage.expireAfter, {
    path: ['expireAfter'],
    message: 'must not come before escalateAfter, nor that before remindAfter; put the three in order',
  });
export type StageDefinition = z.output<typeof stageSchema>;

const pathSchema = z.strictObject({
  title: text(200).describe('who decides, in one line'),
  maxDuration: durationUpTo(LIMITS.grantMs).exactOptional().describe('longest grant by this path'),
  approvalsCountFor: durationUpTo(LIMITS.approvalLifeMs)
    .exactOptional()
    .describe('how long an approval or confirmation counts after it was signed (default: a day)'),
  reviewers: identifier
    .exactOptional()
    .describe("group that reviews grants by this path, instead of the bundle's"),
  alternatives: z
    .array(identifier)
    .max(LIMITS.stages)
    .default([])
    .describe('other paths that governance may switch a stalled request to; none may be weaker'),
  stages: z.array(stageSchema).min(1).max(LIMITS.stages).describe('stages, one after the other'),
});

const askingAgainSchema = z.strictObject({
  within: durationUpTo(LIMITS.grantMs)
    .default(24 * 3_600_000)
    .describe('how far back earlier requests and denials count'),
  limit: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe('how many requests for the same may end without access before the next is refused'),
  nearLimit: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe('the same for requests that differ a little, such as by the account or the time'),
  openLimit: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(20)
    .describe('how many requests for the same may be open at once'),
  raiseQuorumBy: z
    .number()
    .int()
    .min(0)
    .max(LIMITS.quorum)
    .default(1)
    .describe('how many more people each stage needs after a refusal'),
});
export type AskingAgainRules = z.output<typeof askingAgainSchema>;

const emergenciesSchema = z.strictObject({
  within: durationUpTo(LIMITS.grantMs)
    .default(7 * 86_400_000)
    .describe('how far back emergency grants count'),
  limit: z
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(3)
    .describe('how many emergency grants one identity, or one requester, may have in that time'),
});
export type EmergencyRules = z.output<typeof emergenciesSchema>;

const emergencyRerouteSchema = z.strictObject({
  title: text(200).describe('what the condition is'),
  substitutes: z
    .array(identifier)
    .min(1)
    .max(LIMITS.stages)
    .describe("groups from which a replacement may come, besides a stage's substitutes"),
  reviewWithin: durationUpTo(LIMITS.grantMs).describe('when the grant has to be reviewed'),
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

const ticketParty = z.enum(['signer', 'requester', 'beneficiary']);
const ticketRules = z.strictObject({
  projects: z
    .array(text(200))
    .min(1)
    .max(100)
    .exactOptional()
    .describe('projects (repositories, classes) of which it has to be, as the ticket system calls them'),
  assignee: z
    .array(ticketParty)
    .min(1)
    .exactOptional()
    .describe('who has to be its assignee: one of these. `signer` is the governor who reroutes'),
  reporter: z.array(ticketParty).min(1).exactOptional().describe('who has to have opened it: one of these'),
});
export type TicketRules = z.output<typeof ticketRules>;

/** `paths.yaml`: who approves what, how long each stage waits, and on which grounds governance may reroute. */
export const pathsSchema = z.strictObject({
  ticketPattern: ticketPattern.describe('regular expression that a whole ticket reference has to match'),
  tickets: ticketRules
    .prefault({})
    .describe('what a ticket has to be besides open; more than to be listed only a ticket system can say'),
  rerouteReasons: z
    .record(identifier, text(200))
    .describe('grounds on which governance may step in, each with what it means'),
  emergencyConditions: z
    .record(identifier, text(200))
    .default({})
    .describe('named emergencies, for `@emergency`, each with what it means'),
  emergencyReroutes: z
    .record(identifier, emergencyRerouteSchema)
    .default({})
    .describe('conditions under which a reroute reaches further; each owes a review'),
  emergencies: emergenciesSchema.prefault({}).describe('how many emergency grants there may be'),
  askingAgain: askingAgainSchema.prefault({}).describe('what becomes of requests that are asked again'),
  scrutiny: z
    .record(text(100), text(200))
    .default({})
    .describe(
      'words in a request that are pointed out to approvers, each with the reason; they decide nothing',
    ),
  reviewers: identifier.describe('group that reviews grants which owe a review'),
  paths: z
    .record(identifier, pathSchema)
    .describe('approval paths, by the name that `@path` uses (`policy-alone` means none)'),
});
export type PathsData = z.output<typeof pathsSchema>;

/** A named approval path of the bundle, before it is resolved to people. */
export interface PathDefinition extends z.output<typeof pathSchema> {
  readonly name: string;
}
