import { replayHistory } from '../../../src/audit/replay';
import { workflowIdOf } from '../../../src/contracts/names';
import { capture, LIVES } from '../../replay/capture';
import { builtWorkflowBundle, Harness } from '../../support/harness';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

/** With CAPTURE_HISTORIES=1 this writes the histories to test/replay/histories, for later versions to replay. */
describe('AUD-1 every path through the workflow replays on the code that made it', () => {
  test.each(Object.entries(LIVES))('%s', async (name, life) => {
    if (process.env['CAPTURE_HISTORIES'] === '1') return capture(harness, name, life);
    const request = await life(harness);
    await harness.cast.over(request);
    const history = await harness.client.history(request.id);
    const result = await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle());
    expect(result).toEqual({ ok: true });
  });
});
