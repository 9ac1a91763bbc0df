import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { openHistory } from '../../codec/open-history';
import { requestIdOf, WORKFLOW_TYPE, workflowIdOf } from '../../contracts/names';
import { type RunHistory, runBefore } from './export';

const MOST_RUNS = 1_024;

/** Returns the histories of all runs of a request, first run first. A history that grows long continues as a new run. */
export async function historiesOf(
  client: Client,
  requestId: string,
  lastRun?: string,
): Promise<readonly RunHistory[]> {
  const workflowId = workflowIdOf(requestId);
  const runs: RunHistory[] = [];
  let runId: string | undefined = lastRun ?? (await client.workflow.getHandle(workflowId).describe()).runId;
  for (let left = MOST_RUNS; runId !== undefined && left > 0; left -= 1) {
    const stored = await fetchHistory(client, workflowId, runId);
    // Evidence must be readable without our keys, so the histories are decrypted; protect the place where it is kept.
    const history = await openHistory(stored, client.options.loadedDataConverter.payloadCodecs);
    runs.unshift({ runId, history });
    runId = runBefore(history);
  }
  return runs;
}

/** A history below this fits into one gRPC message, which holds 4 MiB. */
const ONE_MESSAGE_BYTES = 2 * 1024 * 1024;
const MOST_EVENTS_A_PAGE = 1_000;

/**
 * Fetches a history in pages that fit into one message; a single event may have two megabytes. The page size is chosen
 * beforehand, because the client retries a page that is too large for a long time before it reports an error.
 */
async function fetchHistory(client: Client, workflowId: string, runId: string): Promise<History> {
  const { namespace } = client.options;
  const { historySize = Number.POSITIVE_INFINITY } = await client.workflow
    .getHandle(workflowId, runId)
    .describe();
  const maximumPageSize = historySize < ONE_MESSAGE_BYTES ? MOST_EVENTS_A_PAGE : 1;
  const events: NonNullable<History['events']> = [];
  let nextPageToken: Uint8Array | null | undefined;
  do {
    const page = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize,
      ...(nextPageToken && { nextPageToken }),
    });
    events.push(...(page.history?.events ?? []));
    nextPageToken = page.nextPageToken;
  } while (nextPageToken && nextPageToken.length > 0);
  return { events };
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

/** Lists requests whose workflow has closed, or is running. Runs that continued as a new run are left out. */
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

/** How long the server keeps closed workflows, in milliseconds; 0 if it does not say. */
export async function retentionMsOf(client: Client, namespace: string): Promise<number> {
  const { config } = await client.workflowService.describeNamespace({ namespace });
  return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1_000;
}
