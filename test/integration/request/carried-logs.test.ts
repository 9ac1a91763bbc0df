import { WorkflowContinuedAsNewError } from '@temporalio/client';
import type { DomainEvent } from '../../../src/client';
import { REQUEST_QUERY, TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../../src/contracts/names';
import { requestViewSchema } from '../../../src/contracts/snapshot';
import type { AccessRequest } from '../../../src/domain/request';
import { Harness } from '../../support/harness';
import { ADMIN, WRITE } from '../../support/harness-asks';
import { STRANGERS, startStranger } from '../../support/stranger';

/** A stranger who can write to the namespace, and starts runs that say they continue earlier ones. */
let harness: Harness;
let stopStranger: (() => Promise<void>) | undefined;

beforeAll(async () => {
  harness = await Harness.start();
  stopStranger = await startStranger(harness.server.address);
}, 120_000);

afterAll(async () => {
  await stopStranger?.();
  await harness?.stop();
});

type Forge = (events: readonly DomainEvent[], request: AccessRequest) => readonly unknown[];

/** The two ways to a run that the server says was continued from an earlier one. */
const WAYS = {
  'a workflow of their own that continues as ours': async (id: string, args: readonly unknown[]) => {
    const taskQueue = STRANGERS;
    await harness.temporal.workflow.start('becomeRequest', {
      workflowId: workflowIdOf(id),
      taskQueue,
      args: [...args],
    });
  },
  'a cron schedule': async (id: string, args: readonly unknown[]) => {
    await harness.temporal.workflow.start(WORKFLOW_TYPE, {
      workflowId: workflowIdOf(id),
      taskQueue: TASK_QUEUE,
      args: [...args],
      cronSchedule: '@every 1s',
    });
  },
};

/** Takes the place of a request that waits, with a log made from its own. */
async function takeOver(request: AccessRequest, forge: Forge, way: keyof typeof WAYS): Promise<void> {
  const submission = await harness.client.submissionOf(request.id);
  const events = forge(await harness.cast.events(request), request);
  await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).terminate('by a stranger');
  await WAYS[way](request.id, [submission, { events, uncountedRefusals: 0 }]);
}

const later = (events: readonly DomainEvent[]) => (events.at(-1)?.atMs ?? 0) + 1;

const approvedByMira: Forge = (events) => {
  const atMs = later(events);
  const approval = { by: 'person/mira', stage: 'owner', jti: 'made-up', expiresAtMs: atMs + 3_600_000 };
  return [
    ...events,
    { type: 'approval_counted', atMs, ...approval },
    { type: 'stage_completed', atMs, stage: 'owner' },
    { type: 'approved', atMs },
    { type: 'provisioning_started', atMs },
  ];
};

const granted: Forge = (events, request) => {
  const atMs = later(events);
  const lease = { id: request.id, account: 'payments_ci', grantedAtMs: atMs, expiresAtMs: atMs + 60_000 };
  return [
    ...events,
    { type: 'approved', atMs },
    { type: 'provisioning_started', atMs },
    { type: 'granted', atMs, lease },
  ];
};

/** One stage, of one person, for what policy gives two. */
const weakerPath: Forge = (events) =>
  events.map((event) => {
    if (event.type !== 'assessed' || event.assessment.path === undefined) return event;
    const { path: approvalPath, ...assessment } = event.assessment;
    const stages = approvalPath.stages.slice(0, 1);
    return { ...event, assessment: { ...assessment, path: { ...approvalPath, stages } } };
  });

const deniedByTomas: Forge = (events) => [
  ...events,
  { type: 'denied', atMs: later(events), by: 'person/tomas' },
];

/** Waits until a run of a cron schedule has ended, and returns the id of the run that the server begins next. */
async function nextRunOf({ id }: AccessRequest, runId: string): Promise<string> {
  const run = harness.temporal.workflow.getHandle(workflowIdOf(id), runId, { followRuns: false });
  const ended: unknown = await run.result().catch((error: unknown) => error);
  if (!(ended instanceof WorkflowContinuedAsNewError)) throw ended;
  return ended.newExecutionRunId;
}

describe('TTA-5 a run that says it continues an earlier one is believed in nothing that cannot be derived again', () => {
  test.each([
    ['an approval that nobody signed', approvedByMira, /nobody signed what it records as approval_counted/],
    ['a grant that the target does not have', granted, /the target has no lease/],
    ['a denial that nobody signed', deniedByTomas, /nobody signed what it records as denied/],
    ['events of no kind there is', () => [{ type: 'all_good', atMs: 1 }], /log of an earlier run/],
  ] as const)('%s, by a workflow that continues as ours', async (_what, forge, detail) => {
    const request = await harness.cast.ask(WRITE);
    await takeOver(request, forge, 'a workflow of their own that continues as ours');
    const view = await harness.cast.until(request, ({ status }) => status !== 'awaiting_approval');
    expect([view.status, view.approvals, view.lease]).toEqual(['refused', [], undefined]);
    expect(view.rejection?.detail).toMatch(detail);
    expect(await harness.leases(request.id)).toEqual([]);
  });

  test('a path that is weaker than policy demands collects no signature', async () => {
    const request = await harness.cast.ask(ADMIN);
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await takeOver(request, weakerPath, 'a workflow of their own that continues as ours');
    const view = await harness.cast.until(request, ({ status }) => status !== 'awaiting_approval');
    expect([view.status, view.rejection?.code]).toEqual(['refused', 'POLICY_CHANGED']);
    await expect(harness.cast.carry(request, approval)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('a made-up grant by a cron schedule is never shown as active', async () => {
    const request = await harness.cast.ask(WRITE);
    await takeOver(request, granted, 'a cron schedule');
    // The first run of a cron schedule continues nothing: it starts from the beginning, and waits.
    const view = await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    expect([view.approvals, view.lease]).toEqual([[], undefined]);
    const { runId } = await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).describe();
    await harness.cast.say('person/tomas', 'deny', request);
    // Asking by the workflow's id would reach the newest run, which mostly has not begun: each is asked by its own.
    const nextId = await nextRunOf(request, runId);
    await nextRunOf(request, nextId);
    const answer: unknown = await harness.temporal.workflow
      .getHandle(workflowIdOf(request.id), nextId)
      .query(REQUEST_QUERY);
    const next = requestViewSchema.parse(answer);
    expect([next.status, next.lease, next.rejection?.code]).toEqual(['refused', undefined, 'NOT_AUTHORISED']);
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).terminate('the test is over');
  });

  test('a run that was refused and is reset is refused again', async () => {
    const request = await harness.cast.ask(WRITE);
    await takeOver(request, granted, 'a workflow of their own that continues as ours');
    await harness.cast.until(request, ({ status }) => status === 'refused');
    const workflowId = workflowIdOf(request.id);
    const { runId } = await harness.temporal.workflow.getHandle(workflowId).describe();
    const { events } = await harness.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
    const reset = await harness.temporal.workflowService.resetWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId, runId },
      requestId: request.id,
      reason: 'by a stranger',
      workflowTaskFinishEventId: firstTask?.eventId ?? null,
    });
    expect(reset.runId).not.toBe(runId);
    const view = await harness.cast.settled(request);
    expect([view.status, view.lease]).toEqual(['refused', undefined]);
    const given = (await harness.leases(request.id)).filter((row) => row['granted_at_ms'] !== null);
    expect(given).toEqual([]);
  });
});
