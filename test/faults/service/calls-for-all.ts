import { randomUUID } from 'node:crypto';
import { msToTs } from '@temporalio/common/lib/time';
import { bytes, type Call, FORGED_GRANT, namespace, payloads, type Target, taskQueue } from './call';

const SECOND = msToTs('1 second');
const WORKFLOWS = 1;
const ACTIVITIES = 2;
const REGISTERED = 1;
const POLLS = 20;
const POLL_FOR_MS = 4_000;

/** Takes tasks away from the product's workers, as a foreign worker would. */
async function steal<T>(poll: () => Promise<T>, answer: (task: T) => Promise<unknown>): Promise<unknown> {
  const untilMs = Date.now() + POLL_FOR_MS;
  const thief = async () => {
    while (Date.now() < untilMs)
      await poll()
        .then(answer)
        .catch(() => undefined);
  };
  return Promise.all(Array.from({ length: POLLS }, thief));
}

const batch = (target: Target, operation: object) =>
  target.service.startBatchOperation({
    namespace,
    jobId: randomUUID(),
    reason: 'by a stranger',
    visibilityQuery: "WorkflowType = 'accessRequest' AND ExecutionStatus = 'Running'",
    ...operation,
  });

/** Calls that affect every request. */
export const CALLS_FOR_ALL: readonly Call[] = [
  {
    name: 'StartBatchOperation (terminate all)',
    everybody: true,
    make: (target) => batch(target, { terminationOperation: {} }),
  },
  {
    name: 'StartBatchOperation (reset all)',
    everybody: true,
    make: (target) =>
      batch(target, {
        resetOperation: { options: { firstWorkflowTask: {}, resetReapplyExcludeTypes: [1, 2] } },
      }),
  },
  {
    name: 'StartBatchOperation (signal all)',
    everybody: true,
    make: (target) =>
      batch(target, { signalOperation: { signal: 'approve', input: payloads({ ok: true }) } }),
  },
  {
    name: 'StartBatchOperation (delete all)',
    everybody: true,
    make: (target) => batch(target, { deletionOperation: {} }),
  },
  {
    name: 'PollWorkflowTaskQueue, RespondWorkflowTaskCompleted (completes whatever it gets)',
    everybody: true,
    make: ({ service }) =>
      steal(
        () => service.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'stranger' }),
        ({ taskToken }) =>
          service.respondWorkflowTaskCompleted({
            namespace,
            taskToken,
            identity: 'stranger',
            commands: [
              { commandType: 2, completeWorkflowExecutionCommandAttributes: { result: payloads('granted') } },
            ],
          }),
      ),
  },
  {
    name: 'PollWorkflowTaskQueue, RespondWorkflowTaskFailed',
    everybody: true,
    make: ({ service }) =>
      steal(
        () => service.pollWorkflowTaskQueue({ namespace, taskQueue, identity: 'stranger' }),
        ({ taskToken }) =>
          service.respondWorkflowTaskFailed({
            namespace,
            taskToken,
            identity: 'stranger',
            cause: 1,
            failure: { message: 'by a stranger' },
          }),
      ),
  },
  {
    name: 'PollActivityTaskQueue, RespondActivityTaskCompleted (forged results)',
    everybody: true,
    make: ({ service }) =>
      steal(
        () => service.pollActivityTaskQueue({ namespace, taskQueue, identity: 'stranger' }),
        ({ taskToken, workflowExecution }) =>
          service.respondActivityTaskCompleted({
            namespace,
            taskToken,
            identity: 'stranger',
            result: payloads(
              FORGED_GRANT((workflowExecution?.workflowId ?? '').replace('access-request/', '')),
            ),
          }),
      ),
  },
  {
    name: 'CreateSchedule (starts requests), PatchSchedule',
    everybody: true,
    make: async ({ service, submission, workflowId }) => {
      const scheduleId = randomUUID();
      await service.createSchedule({
        namespace,
        scheduleId,
        requestId: randomUUID(),
        schedule: {
          spec: { interval: [{ interval: SECOND }] },
          action: {
            startWorkflow: {
              workflowId,
              workflowType: { name: 'accessRequest' },
              taskQueue,
              input: payloads(submission),
            },
          },
        },
      });
      await service.patchSchedule({
        namespace,
        scheduleId,
        patch: { triggerImmediately: { overlapPolicy: 5 } },
      });
      setTimeout(() => void service.deleteSchedule({ namespace, scheduleId }).catch(() => undefined), 3_000);
    },
  },
  {
    name: 'SetWorkerDeploymentCurrentVersion (one that nobody runs)',
    everybody: true,
    make: ({ service }) =>
      service.setWorkerDeploymentCurrentVersion({
        namespace,
        deploymentName: 'nobody',
        version: 'nobody.1',
        buildId: '1',
        ignoreMissingTaskQueues: true,
        allowNoPollers: true,
        conflictToken: bytes(''),
      }),
  },
  {
    name: 'UpdateWorkerBuildIdCompatibility (a default that nobody runs)',
    everybody: true,
    make: ({ service }) =>
      service.updateWorkerBuildIdCompatibility({
        namespace,
        taskQueue: taskQueue.name,
        addNewBuildIdInNewDefaultSet: 'nobody',
      }),
  },
  {
    name: 'UpdateWorkerVersioningRules (to a build that nobody runs)',
    everybody: true,
    make: ({ service }) =>
      service.updateWorkerVersioningRules({
        namespace,
        taskQueue: taskQueue.name,
        insertAssignmentRule: { ruleIndex: 0, rule: { targetBuildId: 'nobody' } },
      }),
  },
  {
    name: 'UpdateTaskQueueConfig (one task in a thousand seconds)',
    everybody: true,
    make: async ({ service }) => {
      for (const taskQueueType of [WORKFLOWS, ACTIVITIES])
        await service.updateTaskQueueConfig({
          namespace,
          taskQueue: taskQueue.name,
          taskQueueType,
          updateQueueRateLimit: { rateLimit: { requestsPerSecond: 0.001 }, reason: 'by a stranger' },
        });
    },
    undo: async ({ service }) => {
      for (const taskQueueType of [WORKFLOWS, ACTIVITIES])
        await service.updateTaskQueueConfig({
          namespace,
          taskQueue: taskQueue.name,
          taskQueueType,
          updateQueueRateLimit: { reason: 'undone' },
        });
    },
  },
  {
    name: 'CreateWorkflowRule (pauses activities)',
    everybody: true,
    make: ({ service }) =>
      service.createWorkflowRule({
        namespace,
        requestId: randomUUID(),
        spec: {
          id: 'stranger',
          activityStart: { predicate: "ActivityType = 'endAccess'" },
          actions: [{ activityPause: {} }],
        },
      }),
    undo: ({ service }) => service.deleteWorkflowRule({ namespace, ruleId: 'stranger' }),
  },
  {
    name: 'ShutdownWorker (in the name of a worker)',
    everybody: true,
    make: ({ service }) =>
      service.shutdownWorker({
        namespace,
        stickyTaskQueue: 'any',
        identity: 'any',
        reason: 'by a stranger',
        taskQueue: taskQueue.name,
      }),
  },
  {
    name: 'UpdateNamespace (shortest retention)',
    everybody: true,
    make: ({ service }) =>
      service.updateNamespace({
        namespace,
        config: { workflowExecutionRetentionTtl: msToTs('1 hour') },
      }),
  },
  {
    name: 'DeprecateNamespace',
    everybody: true,
    make: ({ service }) => service.deprecateNamespace({ namespace }),
    undo: ({ service }) => service.updateNamespace({ namespace, updateInfo: { state: REGISTERED } }),
  },
];
