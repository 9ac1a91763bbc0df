import { z } from 'zod';
import { STATUSES } from '../domain/state';
import { WORKFLOW_TYPE } from './names';
import { principalId } from './request';

/** What a list can be narrowed by. Checked before it becomes part of a visibility query. */
export const requestFilterSchema = z.strictObject({
  status: z.enum(STATUSES).exactOptional(),
  awaiting: principalId.exactOptional(),
  /** Whether only those are wanted whose workflow runs. One that was terminated keeps the status it had. */
  running: z.boolean().default(false),
  limit: z.number().int().min(1).max(1_000).default(100),
});
export type RequestFilter = z.input<typeof requestFilterSchema>;

/** The visibility query of a checked filter. Values come from closed sets of characters, so they need no escaping. */
export function visibilityQuery({ status, awaiting, running }: z.output<typeof requestFilterSchema>): string {
  const conditions = [`WorkflowType = '${WORKFLOW_TYPE}'`];
  if (status !== undefined) conditions.push(`CountersignStatus = '${status}'`);
  if (awaiting !== undefined) conditions.push(`CountersignAwaiting = '${awaiting}'`);
  // Nobody is awaited by what runs no more.
  if (running || awaiting !== undefined) conditions.push("ExecutionStatus = 'Running'");
  return conditions.join(' AND ');
}

/** A span of time in which requests were started, its end exclusive. */
export interface RequestSpan {
  readonly fromMs?: number;
  readonly toMs?: number;
}

/** The visibility query of a span. */
export function spanQuery({ fromMs, toMs }: RequestSpan): string {
  const conditions = [`WorkflowType = '${WORKFLOW_TYPE}'`];
  if (fromMs !== undefined) conditions.push(`StartTime >= '${new Date(fromMs).toISOString()}'`);
  if (toMs !== undefined) conditions.push(`StartTime < '${new Date(toMs).toISOString()}'`);
  return conditions.join(' AND ');
}
