import { readdirSync } from 'node:fs';
import path from 'node:path';
import { bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';
import { replayHistory } from '../../src/audit/replay';
import { readHistory } from './history-file';

// These histories are expected not to replay, so the SDK's warnings are switched off.
Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });

const HISTORIES = path.join(__dirname, 'histories');
const files = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

/** Histories that no longer replay on a version of the workflow code. */
async function broken(variant: string): Promise<readonly string[]> {
  const bundle = await bundleWorkflowCode({
    workflowsPath: path.join(__dirname, 'careless', `${variant}.ts`),
    payloadConverterPath: path.join(__dirname, '../../src/workflows/payload-converter.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const found: string[] = [];
  for (const file of files) {
    const history = readHistory(path.join(HISTORIES, file));
    const workflowId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? '';
    const result = await replayHistory(history, workflowId, bundle);
    if (!result.ok) found.push(file);
  }
  return found;
}

/** Each of these changes to the workflow would make the kept histories fail the build. */
describe('AUD-1 a careless change of workflow code is noticed by the kept histories', () => {
  test.each(['added-timer', 'added-activity', 'lost-step'])('%s', async (variant) => {
    expect((await broken(variant)).length).toBeGreaterThan(files.length / 2);
  }, 120_000);

  test('the same change made with a patch is not: open requests go on as they began', async () => {
    expect(await broken('patched-timer')).toEqual([]);
  }, 120_000);
});
