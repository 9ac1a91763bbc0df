import { randomUUID } from 'node:crypto';
import type { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';

/** Temporal's name of the setting that is tried. */
export const EVENT_LIMIT_SETTING = 'history.maximumBufferedEventsBatch';
/** More than the server's default of 100. */
const SIGNALS = 128;
const AT_A_TIME = 16;
const ANSWERS_WITHIN_MS = 15_000;
const NAME = 'countersign-event-limit';

/** What became of signals that arrived while a workflow task was open. */
export interface EventsWhileWorking {
  /** Signals that the server accepted. */
  readonly accepted: number;
  /** Signals in the history. */
  readonly recorded: number;
  /** True if the server failed the open task because of them. */
  readonly failedTask: boolean;
}

type Served = Pick<Connection, 'workflowService' | 'withDeadline'>;

/**
 * Sends signals to a workflow of its own while that workflow's task is open, then deletes the workflow. No interface of the
 * server tells the limit, so this is the only way to learn it.
 */
export function signalsWhileWorking(
  connection: Served,
  namespace: string,
  signals = SIGNALS,
): Promise<EventsWhileWorking> {
  const tried = () => flood(connection, namespace, signals);
  return connection.withDeadline(Date.now() + ANSWERS_WITHIN_MS, tried);
}

async function flood(
  { workflowService }: Served,
  namespace: string,
  signals: number,
): Promise<EventsWhileWorking> {
  const workflowId = `${NAME}/${randomUUID()}`;
  const taskQueue = { name: workflowId };
  await workflowService.startWorkflowExecution({
    ...{ namespace, workflowId, taskQueue, requestId: randomUUID(), identity: NAME },
    workflowType: { name: NAME },
    workflowTaskTimeout: msToTs('30s'),
    workflowRunTimeout: msToTs('1m'),
  });
  const workflowExecution = { workflowId };
  try {
    await workflowService.pollWorkflowTaskQueue({ namespace, taskQueue, identity: NAME });
    let accepted = 0;
    for (let sent = 0; sent < signals; sent += AT_A_TIME) {
      const some = Array.from({ length: Math.min(AT_A_TIME, signals - sent) }, () =>
        workflowService.signalWorkflowExecution({
          ...{ namespace, workflowExecution, requestId: randomUUID(), identity: NAME },
          signalName: NAME,
        }),
      );
      accepted += (await Promise.allSettled(some)).filter(({ status }) => status === 'fulfilled').length;
    }
    const types = await typesOfEvents(workflowService, namespace, workflowId);
    return {
      accepted,
      recorded: types.filter((type) => type === EVENT_TYPES.signaled).length,
      failedTask: types.includes(EVENT_TYPES.taskFailed),
    };
  } finally {
    await workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  }
}

/** Numbers of Temporal's enum `EventType`. Nothing else here needs the package that defines it. */
const EVENT_TYPES = { taskFailed: 9, signaled: 26 } as const;

async function typesOfEvents(
  workflowService: Served['workflowService'],
  namespace: string,
  workflowId: string,
): Promise<readonly unknown[]> {
  const types: unknown[] = [];
  let nextPageToken: Uint8Array | undefined;
  do {
    const { history, nextPageToken: next } = await workflowService.getWorkflowExecutionHistory({
      ...{ namespace, execution: { workflowId } },
      ...(nextPageToken !== undefined && { nextPageToken }),
    });
    types.push(...(history?.events ?? []).map(({ eventType }) => eventType));
    nextPageToken = next.length === 0 ? undefined : next;
  } while (nextPageToken !== undefined);
  return types;
}
