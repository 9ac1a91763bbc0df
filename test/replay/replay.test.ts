import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { replayHistory } from '../../src/audit/replay';
import { readHistory } from './history-file';

const HISTORIES = path.join(__dirname, 'histories');
const BUILT_BUNDLE = path.join(__dirname, '../../dist/workflow-bundle.js');

/** If a history does not replay, a request like it would get stuck when this version is rolled out. */
describe('AUD-1 kept histories replay on the workflow code of today', () => {
  const code = readFileSync(BUILT_BUNDLE, 'utf8');
  const files = readdirSync(HISTORIES).filter((name) => name.endsWith('.json'));

  test('there are histories of every way through the workflow', () => {
    expect(files.length).toBeGreaterThanOrEqual(11);
  });

  test.each(files)('%s', async (file) => {
    const history = readHistory(path.join(HISTORIES, file));
    expect(await replayHistory(history, workflowIdIn(history), { code })).toEqual({ ok: true });
  });
});

function workflowIdIn(history: ReturnType<typeof readHistory>): string {
  return history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowId ?? 'access-request/unknown';
}
