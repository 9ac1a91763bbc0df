import type { WorkflowExecutionInfo } from '@temporalio/client';
import { requestIdOf } from './names';
import { type RequestRow, WORKFLOW_BREAKS, type WorkflowBreak } from './snapshot';

/** Reads what the server lists of one workflow. Undefined if the workflow is no request. */
export function rowOf({
  workflowId,
  runId,
  typedSearchAttributes,
  startTime,
  status,
}: WorkflowExecutionInfo): RequestRow | undefined {
  const id = requestIdOf(workflowId);
  if (id === undefined) return undefined;
  const broken = breakIn(status.name);
  const keyword = (name: string) => typedSearchAttributes.get({ name, type: 'KEYWORD' }) ?? '';
  const deadline = typedSearchAttributes.get({ name: 'CountersignDeadline', type: 'DATETIME' });
  const expiresAt = typedSearchAttributes.get({ name: 'CountersignExpiresAt', type: 'DATETIME' });
  return {
    id,
    basis: 'server',
    runId,
    startedAt: startTime,
    status: keyword('CountersignStatus') || 'submitted',
    requester: keyword('CountersignRequester'),
    beneficiary: keyword('CountersignBeneficiary'),
    entitlement: keyword('CountersignEntitlement'),
    awaiting: typedSearchAttributes.get({ name: 'CountersignAwaiting', type: 'KEYWORD_LIST' }) ?? [],
    ...(deadline && { deadline }),
    ...(expiresAt && { expiresAt }),
    emergency: typedSearchAttributes.get({ name: 'CountersignEmergency', type: 'BOOL' }) ?? false,
    ...(broken && { broken }),
  };
}

/** A request ends its workflow by completing it. Every other end came from outside, or from a fault. */
export function breakIn(status: string): WorkflowBreak | undefined {
  const name = status.toLowerCase();
  return WORKFLOW_BREAKS.find((one) => one === name);
}
