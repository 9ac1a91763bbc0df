import { type ChangedTool, ChangedTools } from '../../../src/gate/changed-tools';

const CHANGED: ChangedTool = {
  server: 'payments',
  tool: 'send_payment',
  pinned: 'sha-256:a',
  given: 'sha-256:b',
  differences: ['description was "a", is "b"'],
};
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('GAT-3 governance is told of a tool that changed', () => {
  test('once for each definition, however often the agent calls it', async () => {
    const told: ChangedTool[] = [];
    const changes = new ChangedTools(async (changed) => void told.push(changed));
    for (let call = 0; call < 100; call += 1) changes.tell(CHANGED);
    changes.tell({ ...CHANGED, given: 'sha-256:c' });
    await turn();
    expect(told.map(({ given }) => given)).toEqual(['sha-256:b', 'sha-256:c']);
  });

  test('what could not be told is tried again after a minute, and not at every call', async () => {
    let nowMs = 0;
    let tries = 0;
    const changes = new ChangedTools(
      async () => {
        tries += 1;
        throw new Error('away');
      },
      () => nowMs,
    );
    for (let call = 0; call < 100; call += 1) {
      changes.tell(CHANGED);
      await turn();
    }
    expect(tries).toBe(1);
    nowMs = 60_001;
    changes.tell(CHANGED);
    expect(tries).toBe(2);
  });
});
