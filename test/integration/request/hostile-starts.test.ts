import { randomUUID } from 'node:crypto';
import { TASK_QUEUE, WORKFLOW_TYPE, workflowIdOf } from '../../../src/contracts/names';
import { Harness } from '../../support/harness';

/** A stranger starts workflows of our type with bytes of their own. */
let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

const bytes = (text: string) => new TextEncoder().encode(text);

async function startRaw(...payloads: readonly { encoding: string; data: string }[]): Promise<string> {
  const id = randomUUID();
  await harness.temporal.workflowService.startWorkflowExecution({
    namespace: 'default',
    requestId: randomUUID(),
    workflowId: workflowIdOf(id),
    workflowType: { name: WORKFLOW_TYPE },
    taskQueue: { name: TASK_QUEUE },
    input: {
      payloads: payloads.map(({ encoding, data }) => ({
        metadata: { encoding: bytes(encoding) },
        data: bytes(data),
      })),
    },
  });
  return id;
}

const json = (data: string) => ({ encoding: 'json/plain', data });

describe('TTA-5 a workflow of our type that is started with rubbish is refused and over', () => {
  test.each([
    ['invalid JSON', [json('{"a":')]],
    ['an unknown encoding', [{ encoding: 'binary/encrypted', data: 'x' }]],
    ['nothing', []],
    ['a deep nesting', [json('['.repeat(200_000) + ']'.repeat(200_000))]],
    ['more than a request may have', [json(JSON.stringify({ request: 'x'.repeat(1_000_000) }))]],
    ['a polluting object', [json('{"__proto__":{"request":{}},"constructor":{"prototype":{"ok":true}}}')]],
    ['a log of an earlier run that is none', [json('{}'), json('{"events":"x","uncountedRefusals":-1}')]],
  ])(
    '%s',
    async (_what, payloads) => {
      const id = await startRaw(...payloads);
      const outcome = await harness.temporal.workflow.getHandle(workflowIdOf(id)).result();
      expect(outcome).toEqual({ status: 'refused', reasonCodes: [] });
      const view = await harness.client.get(id);
      expect(['MALFORMED', 'TOO_LARGE']).toContain(view.rejection?.code);
      expect(await harness.leases(id)).toEqual([]);
    },
    30_000,
  );
});
