import { z } from 'zod';
import { STATUSES } from '../domain/state';
import { WORKFLOW_TYPE } from './names';
import { principalId } from './request';

/** What a list can be narrowed by. Checked before it becomes part of a visibility query. */
export const requestFilterSchema = z.strictObject({
  status: z.enum(STATUSES).exactOptional(),
  awaiting: principalId.exactOptional(),
  limit: z.number().int().min(1).max(1_000).default(100),
});
export type RequestFilter = z.input<typeof requestFilterSchema>;

/** The visibility query of a checked filter. Values come from closed sets of characters, so they need no escaping. */
export function visibilityQuery({ status, awaiting }: z.output<typeof requestFilterSchema>): string {
  const conditions = [`WorkflowType = '${WORKFLOW_TYPE}'`];
  if (status !== undefined) conditions.push(`CountersignStatus = '${status}'`);
  if (awaiting !== undefined) conditions.push(`CountersignAwaiting = '${awaiting}'`);
  return conditions.join(' AND ');
}
