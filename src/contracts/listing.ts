import { z } from 'zod';
import { STATUSES } from '../domain/status';
import { AWAITING_MORE, WORKFLOW_TYPE, workflowIdOf } from './names';
import { identifier, instantMs, principalId } from './request';

/** What a list can be narrowed by. Checked before it becomes part of a visibility query. */
export const requestFilterSchema = z.strictObject({
  status: z.enum(STATUSES).exactOptional(),
  awaiting: principalId.exactOptional(),
  requester: principalId.exactOptional(),
  beneficiary: principalId.exactOptional(),
  /** Who asked, or who would get it. */
  concerning: principalId.exactOptional(),
  resource: identifier.exactOptional(),
  /** When it was started. */
  fromMs: instantMs.exactOptional(),
  toMs: instantMs.exactOptional(),
  /** Whether only grants are wanted that owe a review. */
  reviewOwed: z.boolean().default(false),
  /** How the id begins. */
  idPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .exactOptional(),
  /** Whether only those are wanted whose workflow runs. One that was terminated keeps the status it had. */
  running: z.boolean().default(false),
  limit: z.number().int().min(1).max(1_000).default(100),
});
export type RequestFilter = z.input<typeof requestFilterSchema>;

/**
 * The visibility query of a checked filter. With `awaiting` it finds requests too whose list of people did not fit. Values come from closed sets of characters, so they
 * need no escaping.
 */
export function visibilityQuery({
  status,
  awaiting,
  requester,
  beneficiary,
  concerning,
  resource,
  fromMs,
  toMs,
  reviewOwed,
  idPrefix,
  running,
}: z.output<typeof requestFilterSchema>): string {
  const conditions = [`WorkflowType = '${WORKFLOW_TYPE}'`];
  if (status !== undefined) conditions.push(`CountersignStatus = '${status}'`);
  if (awaiting !== undefined) conditions.push(`CountersignAwaiting IN ('${awaiting}', '${AWAITING_MORE}')`);
  if (requester !== undefined) conditions.push(`CountersignRequester = '${requester}'`);
  if (beneficiary !== undefined) conditions.push(`CountersignBeneficiary = '${beneficiary}'`);
  if (concerning !== undefined)
    conditions.push(`(CountersignRequester = '${concerning}' OR CountersignBeneficiary = '${concerning}')`);
  if (resource !== undefined) conditions.push(`CountersignResource = '${resource}'`);
  conditions.push(...startedIn({ fromMs, toMs }));
  if (reviewOwed) conditions.push("CountersignReview IN ('due', 'overdue')");
  if (idPrefix !== undefined) conditions.push(`WorkflowId STARTS_WITH '${workflowIdOf(idPrefix)}'`);
  // Nobody is awaited by what runs no more.
  if (running || awaiting !== undefined) conditions.push("ExecutionStatus = 'Running'");
  return conditions.join(' AND ');
}

/** A span of time in which requests were started, its end exclusive. */
export interface RequestSpan {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** The visibility query of a span. */
export function spanQuery(span: RequestSpan): string {
  return [`WorkflowType = '${WORKFLOW_TYPE}'`, ...startedIn(span)].join(' AND ');
}

function startedIn({ fromMs, toMs }: RequestSpan): readonly string[] {
  return [
    ...(fromMs === undefined ? [] : [`StartTime >= '${new Date(fromMs).toISOString()}'`]),
    ...(toMs === undefined ? [] : [`StartTime < '${new Date(toMs).toISOString()}'`]),
  ];
}
