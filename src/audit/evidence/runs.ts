import type { Client } from '@temporalio/client';
import type { History } from '@temporalio/common/lib/proto-utils';
import { openHistory } from '../../codec/open-history';
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
    const stored = await fetchHistory(client, workflowId, runId);
    // Evidence is for whoever has no key of ours; where it lies must be protected accordingly.
    const history = await openHistory(stored, client.options.loadedDataConverter.payloadCodecs);
    runs.unshift({ runId, history });
    runId = runBefore(history);
  }
  return runs;
}

/** A history below this fits into one message, which holds 4 MiB. */
const ONE_MESSAGE_BYTES = 2 * 1024 * 1024;
const MOST_EVENTS_A_PAGE = 1_000;

/**
 * A history may hold events of two megabytes, and a page must fit into one message. Which it does is known beforehand: the
 * client tries a page that is too large again and again before it says so.
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
