import { randomUUID } from 'node:crypto';
import { TASK_QUEUE, workflowIdOf } from '../src/contracts/names';
import { requestDigest } from '../src/domain/digest';
import type { AccessRequest } from '../src/domain/request';
import { readKeyFile, type SigningKey } from '../src/signing/keys';
import { signStatement, signSubmission } from '../src/signing/sign';
import { exampleKeyFile } from '../src/stack/example-bundle';
import type { Life, Side } from './side';

const GRANT_MS = 3_600_000;

/** A Countersign request with a single approver: real policy, real signatures, real proof. */
export function countersignSide(stateDir: string, name: 'countersign' | 'countersign_postgresql'): Side {
  return {
    name,
    title: name === 'countersign' ? 'countersign, no target' : 'countersign, PostgreSQL',
    prepare: async (count) => {
      const [requester, approver] = await Promise.all([
        readKeyFile(exampleKeyFile(stateDir, 'ci/payments')),
        readKeyFile(exampleKeyFile(stateDir, 'person/mira')),
      ]);
      return Promise.all(
        Array.from({ length: count }, () => life(taskQueueOf(name), { requester, approver })),
      );
    },
  };
}

/** Both kinds of Countersign poll at the same time, so each has a queue of its own. */
export const taskQueueOf = (name: 'countersign' | 'countersign_postgresql'): string =>
  name === 'countersign' ? TASK_QUEUE : `${TASK_QUEUE}-postgresql`;

async function life(
  taskQueue: string,
  { requester, approver }: { readonly requester: SigningKey; readonly approver: SigningKey },
): Promise<Life> {
  const request: AccessRequest = {
    id: randomUUID(),
    kind: 'access',
    requester: 'ci/payments',
    beneficiary: 'ci/payments',
    entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
    durationMs: GRANT_MS,
    emergency: false,
    reason: 'bench',
    onBehalfOf: [],
    submittedAtMs: Date.now(),
  };
  const submission = await signSubmission(request, requester);
  const draft = {
    verb: 'approve' as const,
    stage: 'owner',
    request: request.id,
    digest: requestDigest(request),
    revision: 0,
  };
  const approval = await signStatement(draft, 'person/mira', approver, {
    nowMs: Date.now(),
    lifeMs: GRANT_MS,
  });
  const workflowId = workflowIdOf(request.id);
  return {
    id: request.id,
    workflowId,
    start: async (client) => {
      await client.workflow.start('accessRequest', { workflowId, taskQueue, args: [submission] });
    },
    decide: (client) => client.workflow.getHandle(workflowId).signal('approve', approval),
  };
}
