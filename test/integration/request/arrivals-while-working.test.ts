import { randomUUID } from 'node:crypto';
import { replayHistory } from '../../../src/audit/replay';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';

const FLOOD = Array.from({ length: 150 }, (_, count) => ({ format: 'jws', jws: `a.b${count}.c` }));

let harness: Harness;
let beforeWork = async () => {};
afterEach(() => harness?.stop());

async function start(dynamicConfig: Record<string, string>) {
  harness = await Harness.start({ worker: false, dynamicConfig });
  await harness.startWorker(() => beforeWork());
}

const handle = ({ id }: AccessRequest) => harness.temporal.workflow.getHandle(workflowIdOf(id));

/** A grant whose approval is still being verified when a flood arrives. */
async function grantedInAFlood(): Promise<AccessRequest> {
  const request = await harness.cast.ask({ ...WRITE, durationMs: 3_000 });
  const approval = await harness.cast.sign('person/mira', 'approve', request);
  beforeWork = async () => {
    beforeWork = async () => {};
    await Promise.all(FLOOD.map((statement) => handle(request).signal('approve', statement)));
    // Gives a server that has closed the workflow task time to begin another.
    await new Promise((later) => setTimeout(later, 500));
  };
  await harness.client.leaveStatement(request.id, 'approve', approval);
  await handle(request).result();
  return request;
}

const replayed = async ({ id }: AccessRequest) =>
  replayHistory(await harness.client.history(id), workflowIdOf(id), builtWorkflowBundle());

test('EMG-2 AUD-1 a flood while an approval is verified: access is granted once, ends on time, and the history replays', async () => {
  await start({});
  const request = await grantedInAFlood();
  expect(await harness.cast.view(request)).toMatchObject({ status: 'closed', refusalCount: FLOOD.length });
  expect(await replayed(request)).toEqual({ ok: true });
  expect(await harness.leases(request.id)).toHaveLength(1);
  expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
}, 120_000);

test('AUD-1 messages that arrive during a grant wait until it is made, and the history replays', async () => {
  await start({});
  const request = await harness.cast.ask({ ...WRITE, durationMs: 3_000 });
  const approval = await harness.cast.sign('person/mira', 'approve', request);
  const withdrawal = await harness.cast.sign('ci/payments', 'withdraw', request);
  let works = 0;
  // The approval is examined first; then the grant is made, which asks the authority again. Both together take so long that
  // the worker has to show that it is alive, and is told what has arrived.
  beforeWork = async () => {
    works += 1;
    if (works === 2) await harness.client.leaveStatement(request.id, 'withdraw', withdrawal);
    if (works <= 2) await new Promise((later) => setTimeout(later, works === 1 ? 7_000 : 3_000));
  };
  await harness.client.leaveStatement(request.id, 'approve', approval);
  await handle(request).result();
  expect(works).toBeGreaterThan(2);
  expect(await harness.cast.view(request)).toMatchObject({ status: 'closed', refusalCount: 1 });
  expect(await replayed(request)).toEqual({ ok: true });
}, 120_000);

test('AUD-1 on a server with a limit of 100 the history does not replay; after a reset to its start it does', async () => {
  await start({ 'history.maximumBufferedEventsBatch': '100' });
  const request = await grantedInAFlood();
  expect(await replayed(request)).toMatchObject({ ok: false });
  const { events } = await harness.client.history(request.id);
  const firstTask = events?.find((event) => event.workflowTaskCompletedEventAttributes != null);
  const before = await harness.leases(request.id);
  await harness.temporal.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(request.id) },
    workflowTaskFinishEventId: firstTask?.eventId ?? null,
    reason: 'its history does not replay',
    requestId: randomUUID(),
  });
  const over = await harness.cast.over(request);
  await handle(request).result();
  expect(over).toMatchObject({ status: 'closed', refusalCount: FLOOD.length });
  expect(over.ended?.atMs).toBe(Number(before[0]?.['ended_at_ms']));
  expect(await replayed(request)).toEqual({ ok: true });
  expect(before).toHaveLength(1);
  expect(await harness.leases(request.id)).toEqual(before);
}, 120_000);
