import { z } from 'zod';

/** The messages of a decision point, as far as an enforcement point reads them. Unknown members are kept. */

export interface Entity {
  readonly type: string;
  readonly id: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}
export interface Evaluation {
  readonly subject: Entity;
  readonly action: { readonly name: string; readonly properties?: Readonly<Record<string, unknown>> };
  readonly resource: Entity;
  readonly context?: Readonly<Record<string, unknown>>;
}

export const decisionSchema = z.object({
  decision: z.boolean(),
  context: z
    .looseObject({
      reason: z.string().optional(),
      next_action: z.string().optional(),
      retry_after: z.number().optional(),
      evaluation_id: z.string().optional(),
      evaluated_at: z.string().optional(),
      access_request: z
        .looseObject({
          endpoint: z.string().optional(),
          template: z.string().optional(),
          expires_at: z.string(),
          binding_token: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});
export type Decision = z.output<typeof decisionSchema>;

const resultSchema = z.looseObject({
  mode: z.string(),
  approval: z.looseObject({ id: z.string(), approved_until: z.string() }).optional(),
  execution: z.looseObject({ request: z.string() }).optional(),
});
export const taskSchema = z.object({
  task: z.looseObject({
    id: z.string(),
    status: z.string(),
    status_endpoint: z.string(),
    expires_at: z.string().optional(),
  }),
  result: resultSchema.optional(),
});
export type TaskAnswer = z.output<typeof taskSchema>;

export const metadataSchema = z.object({
  policy_decision_point: z.string(),
  access_evaluation_endpoint: z.string(),
  access_request_endpoint: z.string().optional(),
});
export const tokenSchema = z.looseObject({ token: z.string(), audience: z.string(), expires_at: z.string() });
export type ExecutionToken = z.output<typeof tokenSchema>;
