import type { Client } from '@temporalio/client';
import { requestIdOf, WORKFLOW_TYPE, workflowIdOf } from '../../contracts/names';
import { type RunHistory, runBefore } from './export';

const MOST_RUNS = 1_024;

/** The histories of all runs of a request, the first run first: one that grew long goes on in another. */
export async function historiesOf(
  client: Client,
  requestId: string,
  lastRun?: string,
): Promise<readonly RunHistory[]> {
  const workflowId = workflowIdOf(requestId);
  const runs: RunHistory[] = [];
  let runId: string | undefined = lastRun ?? (await client.workflow.getHandle(workflowId).describe()).runId;
  for (let left = MOST_RUNS; runId !== undefined && left > 0; left -= 1) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    runs.unshift({ runId, history });
    runId = runBefore(history);
  }
  return runs;
}

/** A request as lists show it. */
export interface ListedRequest {
  readonly requestId: string;
  readonly runId: string;
  readonly startedAtMs: number;
  /** Absent while it runs. */
  readonly closedAtMs?: number;
  readonly historyLength: number;
}

/** Requests whose workflow has closed, whichever way, and those that have run for long. Runs that went on are left out. */
export async function* listRequests(client: Client, which: 'closed' | 'open'): AsyncGenerator<ListedRequest> {
  const status = which === 'open' ? "= 'Running'" : "NOT IN ('Running', 'ContinuedAsNew')";
  const query = `WorkflowType = '${WORKFLOW_TYPE}' AND ExecutionStatus ${status}`;
  for await (const execution of client.workflow.list({ query })) {
    const requestId = requestIdOf(execution.workflowId);
    if (requestId === undefined) continue;
    yield {
      requestId,
      runId: execution.runId,
      startedAtMs: execution.startTime.getTime(),
      ...(execution.closeTime && { closedAtMs: execution.closeTime.getTime() }),
      historyLength: execution.historyLength,
    };
  }
}

/** How long the server keeps what has closed. */
export async function retentionMsOf(client: Client, namespace: string): Promise<number> {
  const { config } = await client.workflowService.describeNamespace({ namespace });
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
}
