import { randomUUID } from 'node:crypto';
import { msToTs } from '@temporalio/common/lib/time';
import {
  bytes,
  type Call,
  FORGED_EVIDENCE,
  FORGED_GRANT,
  namespace,
  payloads,
  pendingActivity,
  type Target,
  taskQueue,
} from './call';

const execution = ({ workflowId, runId }: Target) => ({ workflowId, runId });
const leaseOf = ({ submission }: Target) => submission.request.id;
const ALLOW_DUPLICATE = 1;
const TERMINATE_EXISTING = 3;
const ONE_HOUR = msToTs('1 hour');

async function firstTask({ service, workflowId }: Target) {
  const { history } = await service.getWorkflowExecutionHistory({ namespace, execution: { workflowId } });
  const first = history?.events?.find((event) => event.workflowTaskCompletedEventAttributes);
  return first?.eventId ?? null;
}

const start = (target: Target, input: readonly unknown[], more: object = {}) =>
  target.service.startWorkflowExecution({
    namespace,
    workflowId: target.workflowId,
    requestId: randomUUID(),
    workflowType: { name: 'accessRequest' },
    taskQueue,
    input: payloads(...input),
    workflowIdReusePolicy: ALLOW_DUPLICATE,
    ...more,
  });

const FORGED_LOG = (target: Target) => ({
  events: [
    { type: 'submitted', atMs: 1, submission: target.submission, digest: 'sha-256:x' },
    { type: 'assessed', atMs: 1, assessment: FORGED_EVIDENCE(target).assessment },
    { type: 'permitted', atMs: 1 },
    { type: 'provisioning_started', atMs: 1 },
  ],
  uncountedRefusals: 0,
});

const reset = (resetReapplyExcludeTypes: number[]) => async (target: Target) =>
  target.service.resetWorkflowExecution({
    namespace,
    workflowExecution: execution(target),
    requestId: randomUUID(),
    reason: 'by a stranger',
    workflowTaskFinishEventId: await firstTask(target),
    resetReapplyExcludeTypes,
  });

const update = (name: string, args: readonly unknown[]) => (target: Target) =>
  target.service.updateWorkflowExecution({
    namespace,
    workflowExecution: execution(target),
    waitPolicy: { lifecycleStage: 2 },
    request: { meta: { updateId: randomUUID() }, input: { name, args: payloads(...args) } },
  });

const signal =
  (signalName: string, ...args: readonly unknown[]) =>
  (target: Target) =>
    target.service.signalWorkflowExecution({
      namespace,
      workflowExecution: execution(target),
      signalName,
      input: payloads(...args),
    });

const FORGED_STATEMENT = { format: 'jws', jws: 'eyJhbGciOiJub25lIn0.eyJ2ZXJiIjoiYXBwcm92ZSJ9.x' };

/** Calls that affect one request. Read-only calls are left out. */
export const CALLS: readonly Call[] = [
  { name: 'SignalWorkflowExecution (approve, forged)', make: signal('approve', FORGED_STATEMENT) },
  { name: 'SignalWorkflowExecution (unknown name)', make: signal('grantNow', { ok: true }) },
  { name: 'UpdateWorkflowExecution (forged statement)', make: update('submitStatement', [FORGED_STATEMENT]) },
  { name: 'UpdateWorkflowExecution (unknown name)', make: update('__temporal_x', []) },
  {
    name: 'QueryWorkflow (unknown query)',
    make: (target) =>
      target.service.queryWorkflow({
        namespace,
        execution: execution(target),
        query: { queryType: 'grant', queryArgs: payloads('x'.repeat(100_000)) },
      }),
  },
  {
    name: 'RequestCancelWorkflowExecution',
    make: (target) =>
      target.service.requestCancelWorkflowExecution({ namespace, workflowExecution: execution(target) }),
  },
  {
    name: 'TerminateWorkflowExecution',
    make: (target) =>
      target.service.terminateWorkflowExecution({ namespace, workflowExecution: execution(target) }),
  },
  {
    name: 'DeleteWorkflowExecution',
    make: (target) =>
      target.service.deleteWorkflowExecution({ namespace, workflowExecution: execution(target) }),
  },
  { name: 'ResetWorkflowExecution', make: reset([]) },
  { name: 'ResetWorkflowExecution (without signals and updates)', make: reset([1, 2]) },
  {
    name: 'StartWorkflowExecution (terminates the running one, same submission)',
    make: (target) => start(target, [target.submission], { workflowIdConflictPolicy: TERMINATE_EXISTING }),
  },
  {
    name: 'StartWorkflowExecution (terminates the running one, forged log)',
    make: (target) =>
      start(target, [target.submission, FORGED_LOG(target)], {
        workflowIdConflictPolicy: TERMINATE_EXISTING,
      }),
  },
  {
    name: 'StartWorkflowExecution (cron, forged last result)',
    make: (target) =>
      start(target, [target.submission], {
        workflowIdConflictPolicy: TERMINATE_EXISTING,
        cronSchedule: '* * * * *',
        lastCompletionResult: payloads({ status: 'approved' }),
      }),
  },
  {
    name: 'SignalWithStartWorkflowExecution (another id, forged approval)',
    make: (target) =>
      target.service.signalWithStartWorkflowExecution({
        namespace,
        workflowId: `${target.workflowId}-2`,
        requestId: randomUUID(),
        workflowType: { name: 'accessRequest' },
        taskQueue,
        input: payloads(target.submission),
        signalName: 'approve',
        signalInput: payloads(FORGED_STATEMENT),
      }),
  },
  {
    name: 'ExecuteMultiOperation (start with update, forged)',
    make: (target) =>
      target.service.executeMultiOperation({
        namespace,
        operations: [
          {
            startWorkflow: {
              namespace,
              workflowId: `${target.workflowId}-3`,
              requestId: randomUUID(),
              workflowType: { name: 'accessRequest' },
              taskQueue,
              input: payloads(target.submission),
              workflowIdConflictPolicy: 2,
            },
          },
          {
            updateWorkflow: {
              namespace,
              workflowExecution: { workflowId: `${target.workflowId}-3` },
              waitPolicy: { lifecycleStage: 2 },
              request: {
                meta: { updateId: randomUUID() },
                input: { name: 'submitStatement', args: payloads(FORGED_STATEMENT) },
              },
            },
          },
        ],
      }),
  },
  {
    name: 'StartActivityExecution (provision, forged evidence)',
    make: (target) =>
      target.service.startActivityExecution({
        namespace,
        requestId: randomUUID(),
        activityId: randomUUID(),
        activityType: { name: 'provision' },
        taskQueue,
        input: payloads(FORGED_EVIDENCE(target)),
        startToCloseTimeout: ONE_HOUR,
      }),
  },
  {
    name: 'RespondActivityTaskCompletedById (forged grant)',
    make: async (target) =>
      target.service.respondActivityTaskCompletedById({
        namespace,
        workflowId: target.workflowId,
        activityId: await pendingActivity(target),
        result: payloads(FORGED_GRANT(leaseOf(target))),
      }),
  },
  {
    name: 'RespondActivityTaskCompletedById (undecodable)',
    make: async (target) =>
      target.service.respondActivityTaskCompletedById({
        namespace,
        workflowId: target.workflowId,
        activityId: await pendingActivity(target),
        result: { payloads: [{ metadata: { encoding: bytes('json/plain') }, data: bytes('{') }] },
      }),
  },
  {
    name: 'RespondActivityTaskFailedById (not retryable)',
    make: async (target) =>
      target.service.respondActivityTaskFailedById({
        namespace,
        workflowId: target.workflowId,
        activityId: await pendingActivity(target),
        failure: { message: 'by a stranger', applicationFailureInfo: { nonRetryable: true } },
      }),
  },
  {
    name: 'RespondActivityTaskCanceledById',
    make: async (target) =>
      target.service.respondActivityTaskCanceledById({
        namespace,
        workflowId: target.workflowId,
        activityId: await pendingActivity(target),
      }),
  },
  {
    name: 'RecordActivityTaskHeartbeatById',
    make: async (target) =>
      target.service.recordActivityTaskHeartbeatById({
        namespace,
        workflowId: target.workflowId,
        activityId: await pendingActivity(target),
        details: payloads('x'),
      }),
  },
  {
    name: 'PauseActivity',
    make: async (target) =>
      target.service.pauseActivity({
        namespace,
        execution: execution(target),
        id: await pendingActivity(target),
      }),
  },
  {
    name: 'ResetActivity',
    make: async (target) =>
      target.service.resetActivity({
        namespace,
        execution: execution(target),
        id: await pendingActivity(target),
      }),
  },
  {
    name: 'UpdateActivityOptions (to end in a second)',
    make: async (target) =>
      target.service.updateActivityOptions({
        namespace,
        execution: execution(target),
        id: await pendingActivity(target),
        activityOptions: { scheduleToCloseTimeout: msToTs('1 second'), retryPolicy: { maximumAttempts: 1 } },
        updateMask: { paths: ['schedule_to_close_timeout', 'retry_policy.maximum_attempts'] },
      }),
  },
  {
    name: 'UpdateWorkflowExecutionOptions (pinned to a version that nobody runs)',
    make: (target) =>
      target.service.updateWorkflowExecutionOptions({
        namespace,
        workflowExecution: execution(target),
        workflowExecutionOptions: {
          versioningOverride: {
            behavior: 1,
            pinnedVersion: 'nobody.1',
            pinned: { behavior: 1, version: { deploymentName: 'nobody', buildId: '1' } },
          },
        },
        updateMask: { paths: ['versioning_override'] },
      }),
  },
  {
    name: 'PauseWorkflowExecution',
    make: (target) =>
      target.service.pauseWorkflowExecution({
        namespace,
        workflowId: target.workflowId,
        runId: target.runId,
        requestId: randomUUID(),
      }),
  },
  {
    name: 'ResetStickyTaskQueue',
    make: (target) => target.service.resetStickyTaskQueue({ namespace, execution: execution(target) }),
  },
];
