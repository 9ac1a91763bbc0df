import { workflowIdOf } from '../../../src/contracts/names';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

describe('AUD-5 operators find requests, and read no free text', () => {
  test('lists by status and by who is awaited follow the request', async () => {
    const request = await harness.cast.ask(WRITE);
    const listed = async (filter: Parameters<typeof harness.client.list>[0]) =>
      (await harness.client.list(filter)).some(({ id }) => id === request.id);
    await eventuallyTrue('Mira is awaited', () => listed({ awaiting: 'person/mira' }));
    expect(await listed({ status: 'awaiting_approval' })).toBe(true);
    await harness.cast.say('person/tomas', 'deny', request);
    await eventuallyTrue('listed as denied', () => listed({ status: 'denied' }));
    expect(await listed({ awaiting: 'person/mira' })).toBe(false);
  });

  test('neither summary nor search attributes hold the reason', async () => {
    const request = await harness.cast.ask({ ...WRITE, reason: 'a very private matter' });
    const handle = harness.temporal.workflow.getHandle(workflowIdOf(request.id));
    const { typedSearchAttributes, staticSummary } = Object.assign(await handle.describe(), {
      staticSummary: await (await handle.describe()).staticSummary(),
    });
    expect(JSON.stringify([typedSearchAttributes, staticSummary])).not.toContain('private');
    expect(staticSummary).toBe('write on payments for ci/payments');
    const details = await handle.query<string>('__temporal_workflow_metadata');
    expect(JSON.stringify(details)).not.toContain('private');
  });
});
