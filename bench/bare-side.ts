import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { bundleWorkflowCode, type NativeConnection, Worker } from '@temporalio/worker';
import { Grants } from './granted';
import { quietLogger } from './quiet';
import type { Side } from './side';

const TASK_QUEUE = 'bench-bare';

/** The bare workflow that Countersign is compared with. */
export async function bareSide(connection: NativeConnection): Promise<Side> {
  const grants = new Grants();
  const bundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, 'bare-workflow.js'),
    logger: quietLogger,
  });
  return {
    name: 'bare',
    bundle,
    createWorker: (debugMode = false) =>
      Worker.create({
        connection,
        taskQueue: TASK_QUEUE,
        workflowBundle: bundle,
        activities: { act: async (id: string) => grants.report(id) },
        maxCachedWorkflows: 5_000,
        debugMode,
      }),
    prepare: async (count) =>
      Array.from({ length: count }, () => {
        const id = randomUUID();
        const workflowId = `bare/${id}`;
        return {
          id,
          workflowId,
          start: async (client) => {
            await client.workflow.start('bare', { workflowId, taskQueue: TASK_QUEUE, args: [id] });
          },
          decide: (client) => client.workflow.getHandle(workflowId).signal('go'),
          granted: () => grants.of(id),
        };
      }),
  };
}
