import { z } from 'zod';
import { PRECEDENT_KINDS, REASON_CODES } from '../domain/assessment';
import { END_CAUSES, LEASE_ENDS } from '../domain/lease';
import { REFUSAL_CODES } from '../domain/refusal';
import { VERDICTS } from '../domain/review';
import { VERBS } from '../domain/statement';
import { STATUSES } from '../domain/status';
import { remedySchema } from './remedy';
import { accessRequestSchema } from './request';

const principal = z.string();
const atMs = z.number();
const refusalSchema = z.object({ code: z.enum(REFUSAL_CODES), detail: z.string() });
const lease = z.object({ id: z.string(), account: z.string(), grantedAtMs: atMs, expiresAtMs: atMs });

const pathViewSchema = z.object({
  name: z.string(),
  approvalsCountForMs: z.number().optional(),
  stages: z.array(
    z.object({
      name: z.string(),
      eligible: z.array(principal),
      quorum: z.number(),
      remindAfterMs: z.number().optional(),
      escalateAfterMs: z.number().optional(),
      expireAfterMs: z.number().optional(),
    }),
  ),
});

/** What the client shows of a request: the answer of the `request` query, decoded. Members not named here are dropped. */
export const requestViewSchema = z.object({
  status: z.enum(STATUSES),
  digest: z.string().optional(),
  submission: z.object({ request: accessRequestSchema }).optional(),
  rejection: refusalSchema.optional(),
  recognition: z
    .object({ principal, keyId: z.string(), assurance: z.string(), channel: z.string() })
    .optional(),
  assessment: z
    .object({
      outcome: z.enum(['hard_stop', 'refuse', 'permit', 'approve']),
      reasonCodes: z.array(z.enum(REASON_CODES)),
      explanation: z.string(),
      safeWay: z.string().optional(),
      remedy: remedySchema.optional(),
      precedents: z
        .array(
          z.object({
            kind: z.enum(PRECEDENT_KINDS),
            id: z.string(),
            about: z.string(),
            by: principal.optional(),
            atMs,
            /** Whose it was. Only a reader that has verified the earlier request adds these. */
            requester: principal.optional(),
            beneficiary: principal.optional(),
          }),
        )
        .optional(),
      flags: z.array(z.string()).optional(),
      path: pathViewSchema.optional(),
      determiningPolicies: z.array(z.string()),
      policyDigest: z.string(),
      directoryDigest: z.string(),
      assessedAtMs: atMs,
    })
    .optional(),
  revision: z.number(),
  openStage: z.string().optional(),
  stageOpenedAtMs: atMs.optional(),
  escalated: z.boolean().optional(),
  awaiting: z.array(principal),
  nextDeadline: z.object({ atMs, summary: z.string() }).optional(),
  approvals: z.array(
    z.object({
      by: principal,
      stage: z.string(),
      jti: z.string(),
      expiresAtMs: atMs,
      durationMs: z.number().optional(),
    }),
  ),
  reroutes: z.array(
    z.object({
      jti: z.string(),
      by: principal,
      stage: z.string(),
      replace: principal,
      with: principal,
      untilMs: atMs,
      emergency: z.object({ condition: z.string() }).optional(),
      phase: z.enum(['proposed', 'in_force', 'over']),
      endorsedBy: principal.optional(),
    }),
  ),
  switches: z
    .array(
      z.object({
        jti: z.string(),
        by: principal,
        from: z.string(),
        path: pathViewSchema,
        untilMs: atMs,
        phase: z.enum(['proposed', 'in_force', 'over']),
        endorsedBy: principal.optional(),
      }),
    )
    .optional(),
  /** Who decided what, when and why. Absent in the answer of a worker of an earlier version. */
  decisions: z
    .array(
      z.object({
        verb: z.enum(VERBS),
        by: principal,
        atMs,
        stage: z.string().optional(),
        durationMs: z.number().optional(),
        reasonCode: z.string().optional(),
        ticket: z.string().optional(),
        comment: z.string().optional(),
        offer: z.string().optional(),
      }),
    )
    .optional(),
  refusals: z.array(
    z.object({ atMs, refusal: refusalSchema, verb: z.enum(VERBS).optional(), by: z.string().optional() }),
  ),
  refusalCount: z.number(),
  failure: refusalSchema.optional(),
  lease: lease.optional(),
  ended: z.object({ end: z.enum(LEASE_ENDS), atMs, cause: z.enum(END_CAUSES).optional() }).optional(),
  held: z.object({ lease, endedAtMs: atMs }).optional(),
  ending: z.enum(LEASE_ENDS).optional(),
  execution: z
    .object({
      redeemedAtMs: atMs.optional(),
      redeemedBy: principal.optional(),
      outcome: z.enum(['succeeded', 'failed', 'unknown']).optional(),
      refusedRedemptions: z.number(),
    })
    .optional(),
  review: z.discriminatedUnion('phase', [
    z.object({ phase: z.literal('none') }),
    z.object({ phase: z.literal('due'), dueAtMs: atMs }),
    z.object({ phase: z.literal('overdue'), dueAtMs: atMs }),
    z.object({ phase: z.literal('done'), by: principal, verdict: z.enum(VERDICTS) }),
  ]),
  /** Whether the end without access is on record at the target, where no later act can reverse it. */
  barred: z.boolean().optional(),
});
export type RequestView = z.infer<typeof requestViewSchema>;

/** From what something that is shown comes: derived from signatures, policy and targets; or only what the server says. */
export type Basis = 'derived' | 'server';

/** A request as the server has it. Anyone who can write to the namespace can make it say anything. */
export type ClaimedView = RequestView & { readonly basis: 'server' };

export const statementAnswerSchema = z.object({
  accepted: z.boolean(),
  refusal: refusalSchema.optional(),
  status: z.enum(STATUSES),
  revision: z.number(),
});
export type StatementAnswerView = z.infer<typeof statementAnswerSchema>;

/** What became of a denial report. */
export const denialReportAnswerSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.object({ id: z.string() }) }),
  z.object({ ok: z.literal(false), refusal: refusalSchema }),
]);
export type DenialReportAnswer = z.infer<typeof denialReportAnswerSchema>;

/** How a workflow ends that did not end by itself. */
export const WORKFLOW_BREAKS = ['terminated', 'cancelled', 'failed', 'timed_out'] as const;
export type WorkflowBreak = (typeof WORKFLOW_BREAKS)[number];

/** One row of a list. From search attributes it is the server's word: anyone who can write to the namespace can set them. */
export interface RequestRow {
  readonly id: string;
  readonly basis: Basis;
  /** The latest run of its workflow. */
  readonly runId?: string;
  /** When its workflow, or the latest run of it, was started. */
  readonly startedAt?: Date;
  readonly status: string;
  readonly requester: string;
  readonly beneficiary: string;
  readonly entitlement: string;
  readonly awaiting: readonly string[];
  readonly deadline?: Date;
  readonly expiresAt?: Date;
  readonly emergency: boolean;
  /** How its workflow was ended from outside: what the row says is not how things stand. */
  readonly broken?: WorkflowBreak;
}
