import { z } from 'zod';
import { PRECEDENT_KINDS, REASON_CODES } from '../domain/assessment';
import { END_CAUSES, LEASE_ENDS } from '../domain/lease';
import { REFUSAL_CODES } from '../domain/refusal';
import { STATUSES } from '../domain/state';
import { VERBS, VERDICTS } from '../domain/statement';
import { accessRequestSchema } from './request';

const principal = z.string();
const atMs = z.number();
const refusalSchema = z.object({ code: z.enum(REFUSAL_CODES), detail: z.string() });
const lease = z.object({ id: z.string(), account: z.string(), grantedAtMs: atMs, expiresAtMs: atMs });

const pathViewSchema = z.object({
  name: z.string(),
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
      precedents: z
        .array(
          z.object({
            kind: z.enum(PRECEDENT_KINDS),
            id: z.string(),
            about: z.string(),
            by: principal.optional(),
            atMs,
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
  approvals: z.array(z.object({ by: principal, stage: z.string(), jti: z.string(), expiresAtMs: atMs })),
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
  /** Whether the end without access is on record at the target, where no later act can turn it round. */
  barred: z.boolean().optional(),
});
export type RequestView = z.infer<typeof requestViewSchema>;

export const statementVerdictSchema = z.object({
  accepted: z.boolean(),
  refusal: refusalSchema.optional(),
  status: z.enum(STATUSES),
  revision: z.number(),
});
export type StatementVerdictView = z.infer<typeof statementVerdictSchema>;

/** What became of a denial report. */
export const denialVerdictSchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.object({ id: z.string() }) }),
  z.object({ ok: z.literal(false), refusal: refusalSchema }),
]);
export type DenialVerdict = z.infer<typeof denialVerdictSchema>;

/** One row of a list, from search attributes. */
export interface RequestRow {
  readonly id: string;
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
}
