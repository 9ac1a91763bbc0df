import { defineUpdate } from '@temporalio/workflow';
import { workflowIdOf } from '../../../src/contracts/names';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventually, sleep } from '../../support/harness-wait';

const submitStatement = defineUpdate<unknown, [unknown]>('submitStatement');
let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

describe('TTA-5 a denial that was answered as accepted is final', () => {
  test('it is not answered while the target is down; once answered, no restart of the workflow reverses it', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 30_000 });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    const denial = await harness.cast.sign('person/tomas', 'deny', request);
    harness.postgres.halt();
    let answer: unknown;
    const asking = harness.temporal.workflow
      .getHandle(workflowIdOf(request.id))
      .executeUpdate(submitStatement, { args: [denial] })
      .then((verdict) => {
        answer = verdict;
      });
    await eventually('the denial is on record', async () =>
      (await harness.cast.view(request)).status === 'denied' ? true : undefined,
    );
    await sleep(1_500);
    expect(answer).toBeUndefined();

    harness.postgres.restart();
    await asking;
    expect(answer).toMatchObject({ accepted: true, status: 'denied' });
    expect(await harness.leases(request.id)).toMatchObject([{ end_reason: 'barred' }]);

    // The stranger has everything that was ever sent, and starts the request again without its denial.
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).result();
    await harness.temporal.workflow.start('accessRequest', {
      workflowId: workflowIdOf(request.id),
      taskQueue: 'countersign',
      args: [await harness.cast.submission(request)],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    });
    await harness.cast.until(request, ({ status }) => status === 'awaiting_approval');
    await harness.cast.carry(request, approval);
    const view = await harness.cast.until(request, ({ status }) => status === 'failed');
    expect(view.failure?.code).toBe('LEASE_ENDED');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  }, 90_000);
});
