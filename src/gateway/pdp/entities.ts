import { z } from '@hono/zod-openapi';
import { LIMITS } from '../../domain/limits';

/** The information model of AuthZEN Authorization API 1.0. Unknown members are dropped, not refused. */

const word = z.string().min(1).max(256);
const properties = z.record(z.string().max(256), z.unknown()).optional();

export const subjectSchema = z
  .object({ type: word, id: word, properties })
  .openapi('Subject', { example: { type: 'agent', id: 'atlas' } });
export const resourceSchema = z
  .object({ type: word, id: word, properties })
  .openapi('Resource', { example: { type: 'warehouse', id: 'payments' } });
export const actionSchema = z
  .object({ name: word, properties })
  .openapi('Action', { example: { name: 'write' } });
export const contextSchema = z
  .record(z.string().max(256), z.unknown())
  .refine(({ ticket }) => typeof ticket !== 'string' || ticket.length <= LIMITS.ticketCharacters, {
    path: ['ticket'],
    message: `is over ${LIMITS.ticketCharacters} characters`,
  })
  .openapi('Context');

export type Subject = z.output<typeof subjectSchema>;
export type Resource = z.output<typeof resourceSchema>;
export type Action = z.output<typeof actionSchema>;

export const evaluationSchema = z
  .object({
    subject: subjectSchema,
    action: actionSchema,
    resource: resourceSchema,
    context: contextSchema.optional(),
  })
  .openapi('EvaluationRequest');
export type Evaluation = z.output<typeof evaluationSchema>;

const MOST_EVALUATIONS = 100;

export const evaluationsSchema = z
  .object({
    subject: subjectSchema.optional(),
    action: actionSchema.optional(),
    resource: resourceSchema.optional(),
    context: contextSchema.optional(),
    /** Each is judged by itself: an incomplete one is denied, and the others go on. */
    evaluations: z.array(z.record(z.string(), z.unknown())).max(MOST_EVALUATIONS).optional(),
    options: z
      .object({
        evaluations_semantic: z
          .enum(['execute_all', 'deny_on_first_deny', 'permit_on_first_permit'])
          .optional(),
      })
      .optional(),
  })
  .openapi('EvaluationsRequest');
export type Evaluations = z.output<typeof evaluationsSchema>;

export const decisionSchema = z
  .object({ decision: z.boolean(), context: z.record(z.string(), z.unknown()).optional() })
  .openapi('Decision');

export const evaluationsResponseSchema = z
  .object({ evaluations: z.array(decisionSchema) })
  .openapi('EvaluationsResponse');

const pageSchema = z.object({
  token: z.string().max(512).optional(),
  limit: z.number().int().min(0).max(1_000).optional(),
});
const target = z.object({ type: word, properties });

export const subjectSearchSchema = z
  .object({
    subject: target,
    action: actionSchema,
    resource: resourceSchema,
    context: contextSchema.optional(),
    page: pageSchema.optional(),
  })
  .openapi('SubjectSearch');
export const resourceSearchSchema = z
  .object({
    subject: subjectSchema,
    action: actionSchema,
    resource: target,
    context: contextSchema.optional(),
    page: pageSchema.optional(),
  })
  .openapi('ResourceSearch');
export const actionSearchSchema = z
  .object({
    subject: subjectSchema,
    resource: resourceSchema,
    context: contextSchema.optional(),
    page: pageSchema.optional(),
  })
  .openapi('ActionSearch');

export const searchResponseSchema = z
  .object({
    results: z.array(z.record(z.string(), z.unknown())),
    page: z.object({ next_token: z.string(), count: z.number(), total: z.number() }).optional(),
  })
  .openapi('SearchResponse');

/** What a decision point answers. */
export interface Decision {
  readonly decision: boolean;
  readonly context?: Readonly<Record<string, unknown>>;
}
