import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

describe('EMG-2 a grant is made once and ends, whatever stops in between', () => {
  test('the approval comes while no worker runs: one grant once a worker is back', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 2_000 });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await harness.stopWorker();
    await harness.client.leaveStatement(request.id, 'approve', approval);
    await harness.startWorker();
    expect((await harness.cast.over(request)).status).toBe('closed');
    expect(await harness.leases(request.id)).toHaveLength(1);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });
});
