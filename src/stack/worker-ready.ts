import { Connection } from '@temporalio/client';
import { type WaitOptions, waitUntil } from './wait-until';

const WORKFLOW_QUEUE = 1;
const ACTIVITY_QUEUE = 2;

/** Waits until a worker polls the task queue, for workflows and for activities. */
export async function waitForWorker(
  place: { readonly address: string; readonly namespace: string; readonly taskQueue: string },
  waiting: Omit<WaitOptions, 'what'>,
): Promise<void> {
  const connection = await Connection.connect({ address: place.address });
  const requirePoller = async (taskQueueType: 1 | 2): Promise<void> => {
    const { pollers } = await connection.workflowService.describeTaskQueue({
      namespace: place.namespace,
      taskQueue: { name: place.taskQueue },
      taskQueueType,
    });
    if (pollers.length === 0) throw new Error(`no worker polls the task queue ${place.taskQueue}`);
  };
  try {
    await waitUntil({ ...waiting, what: 'the worker' }, async () => {
      await requirePoller(WORKFLOW_QUEUE);
      await requirePoller(ACTIVITY_QUEUE);
    });
  } finally {
    await connection.close();
  }
}
