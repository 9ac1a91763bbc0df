import { z } from '@hono/zod-openapi';
import { newPlan, newReason, newTicket, text } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { actionSchema, contextSchema, resourceSchema, subjectSchema } from '../pdp/entities';

/** Bodies and answers of the access request profile. */

export const EXTENSION = {
  containment: 'urn:countersign:containment',
  rollback: 'urn:countersign:rollback',
  emergencyCondition: 'urn:countersign:emergency_condition',
} as const;
/** `result.mode` of an approved execution: it needs a token instead of another evaluation. */
export const EXECUTION_MODE = 'urn:countersign:result-mode:execution-token';

export const denialSchema = z
  .object({
    evaluation_id: z.string().max(256).optional(),
    evaluated_at: z.string().max(64).optional(),
    expires_at: z.string().max(64),
    reason: z.string().max(256).optional(),
    binding_token: z.string().max(16_384).optional(),
    template: z.string().max(256).optional(),
  })
  .openapi('Denial');

export const requestedAccessSchema = z
  .object({
    requested_until: z.iso.datetime({ offset: true }).optional(),
    emergency: z.boolean().optional(),
    [EXTENSION.emergencyCondition]: z.string().max(128).optional(),
  })
  .openapi('RequestedAccess');

type ActorChain = { sub: string; iss: string; act?: ActorChain | undefined };
/** A delegation chain of any depth. OpenAPI cannot describe it, so the document has a plain object. */
const actSchema: z.ZodType<ActorChain> = z.lazy(() =>
  z.object({ sub: z.string().max(512), iss: z.string().max(512), act: actSchema.optional() }),
);

const clientSchema = z
  .object({
    id: z.string().max(512).optional(),
    name: z.string().max(512).optional(),
    actor: z
      .object({
        id: z.string().max(512),
        issuer: z.string().max(512).optional(),
        type: z.string().max(64).optional(),
        act: z.unknown().optional().openapi({ type: 'object' }),
      })
      .optional(),
    source: z.record(z.string(), z.unknown()).optional(),
  })
  .openapi('Client');
export const parseChain = (value: unknown): ActorChain | undefined => actSchema.safeParse(value).data;

const callbackSchema = z
  .object({
    endpoint: z.url().max(2_000),
    state: text(1_000).optional(),
    events: z
      .array(z.enum(['approved', 'denied', 'expired', 'cancelled', 'failed', 'partial']))
      .max(6)
      .optional(),
  })
  .openapi('Callback');

const MOST_ITEMS = 20;

const submissionContext = contextSchema.openapi({
  description: `business_justification, and for executions ${EXTENSION.containment} and ${EXTENSION.rollback}`,
});

export const accessRequestBodySchema = z
  .object({
    subject: subjectSchema,
    resource: resourceSchema.optional(),
    action: actionSchema.optional(),
    items: z
      .array(
        z.object({
          resource: resourceSchema,
          action: actionSchema,
          requested_access: requestedAccessSchema.optional(),
          denial: denialSchema.optional(),
        }),
      )
      .min(1)
      .max(MOST_ITEMS)
      .optional(),
    context: submissionContext.optional(),
    denial: denialSchema.optional(),
    requested_access: requestedAccessSchema.optional(),
    callback: callbackSchema.optional(),
    client: clientSchema.optional(),
  })
  .openapi('AccessRequestSubmission');
export type AccessRequestBody = z.output<typeof accessRequestBodySchema>;
export type DenialBody = z.output<typeof denialSchema>;
export type RequestedAccess = z.output<typeof requestedAccessSchema>;

export const augmentationsSchema = z.object({
  business_justification: newReason,
  ticket: newTicket.optional(),
  [EXTENSION.containment]: newPlan.optional(),
  [EXTENSION.rollback]: newPlan.optional(),
});

const statusSchema = z.enum(['pending', 'approved', 'denied', 'expired', 'cancelled', 'failed', 'partial']);
const resultSchema = z.looseObject({ mode: z.string() }).openapi('Result');

const taskSchema = z
  .object({
    id: z.string(),
    status: statusSchema,
    status_endpoint: z.string(),
    expires_at: z.string().optional(),
    progress: z.record(z.string(), z.unknown()).optional(),
    display: z.record(z.string(), z.string()).optional(),
    links: z.record(z.string(), z.string()).optional(),
    items: z
      .array(
        z.object({
          resource: resourceSchema,
          action: actionSchema,
          status: statusSchema,
          result: resultSchema.optional(),
        }),
      )
      .optional(),
  })
  .openapi('Task');
export const taskResponseSchema = z
  .object({ task: taskSchema, result: resultSchema.optional() })
  .openapi('TaskResponse');
export type TaskResponse = z.output<typeof taskResponseSchema>;

export const cancellationSchema = z
  .object({
    reason: z.string().max(128).optional(),
    comment: z.string().max(LIMITS.commentCharacters).optional(),
    /** The signed statement of a process owner, one for each request of the task. */
    'urn:countersign:statements': z
      .array(z.object({ format: z.literal('jws'), jws: z.string().max(LIMITS.statementBytes) }))
      .max(MOST_ITEMS)
      .optional(),
  })
  .openapi('Cancellation');
