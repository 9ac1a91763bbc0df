import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Worker } from '@temporalio/worker';

/** The task queue of a stranger's worker. */
export const STRANGERS = 'strangers';

/** Starts a worker of somebody who can write to the namespace. It runs workflows of their own. Returns what stops it. */
export async function startStranger(address: string): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address });
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, '../integration/request/foreign-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const worker = await Worker.create({ connection, taskQueue: STRANGERS, workflowBundle });
  const ended = worker.run();
  return async () => {
    worker.shutdown();
    await ended;
    await connection.close();
  };
}
