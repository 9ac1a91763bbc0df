import { randomUUID } from 'node:crypto';
import type { Life, Side } from '../side';
import { approverKey, signApproval } from './signed-approval';

/** The bare workflow, whose activity the server hands out. */
export const bareSide: Side = {
  name: 'bare',
  title: 'bare workflow, activity on the server',
  prepare: async (count) => Array.from({ length: count }, () => signalled('bare', 'bare', 'go')),
};

/** The bare workflow with a local activity. */
export const bareLocalSide: Side = {
  name: 'bare_local',
  title: 'bare workflow, local activity',
  prepare: async (count) => Array.from({ length: count }, () => signalled('bareLocal', 'bare_local', 'go')),
};

/** One approval whose signature an activity checks by hand. */
export function approvalSide(stateDir: string): Side {
  const key = approverKey(stateDir);
  return {
    name: 'approval',
    title: 'one approval, signature checked by hand',
    prepare: async (count) =>
      Array.from({ length: count }, () =>
        signalled('approval', 'approval', 'approve', (id) => [signApproval(id, key)]),
      ),
  };
}

function signalled(
  workflow: string,
  taskQueue: string,
  signal: string,
  argsOf: (id: string) => unknown[] = () => [],
): Life {
  const id = randomUUID();
  const workflowId = `${workflow}/${id}`;
  const args = argsOf(id);
  return {
    id,
    workflowId,
    start: async (client) => {
      await client.workflow.start(workflow, { workflowId, taskQueue, args: [id] });
    },
    decide: (client) => client.workflow.getHandle(workflowId).signal(signal, ...args),
  };
}
