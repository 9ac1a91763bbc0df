import { parseDocument } from 'yaml';
import { workflowIdOf } from '../../../src/contracts/names';
import { registerKey } from '../../../src/directory/register-key';
import { generateKey, importSigningKey } from '../../../src/signing/keys';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';

/** The payload size at which the server begins to warn. */
const WARNED_BYTES = 512 * 1024;
const LAST = 'person/zoe-the-last';
const COUNT = 500;

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ worker: false });
}, 120_000);
afterAll(() => harness?.stop());

describe('DIR-1 every member of a group of 500 approvers can decide', () => {
  test('the last of them is awaited, finds the request in their list, and gives access', async () => {
    const { publicJwk, privateJwkText } = await generateKey();
    const imported = await importSigningKey(privateJwkText, 'a new key');
    if (!imported.ok) throw new Error(imported.message);
    const others = Array.from({ length: COUNT - 3 }, (_, index) => `person/lead-${index}`);
    harness.bundle.change('directory.yaml', (before) => {
      const document = parseDocument(before);
      for (const id of [...others, LAST]) {
        document.setIn(['people', id], document.createNode({ name: 'A lead' }));
        document.addIn(['groups', 'payments-leads', 'members'], id);
      }
      return registerKey(document.toString({ lineWidth: 0 }), LAST, publicJwk, {
        assurance: 'key',
        channel: 'cli',
      });
    });
    await harness.startWorker();
    const request = await harness.cast.ask(WRITE);
    const { awaiting } = await harness.cast.view(request);
    expect(awaiting).toHaveLength(COUNT);
    await eventuallyTrue('it is in the list of the last', async () =>
      (await harness.client.list({ awaiting: LAST })).some(({ id }) => id === request.id),
    );
    expect(await harness.client.list({ awaiting: 'person/helen' })).toEqual([]);
    expect(await harness.cast.say(LAST, 'approve', request, {}, { key: imported.key })).toBe('accepted');
    await harness.cast.until(request, ({ status }) => status === 'active');
    const history = await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).describe();
    expect(history.historySize).toBeLessThan(WARNED_BYTES);
  });
});
