import path from 'node:path';
import { ToolChanges } from '../../../src/gateway/tool-changes';
import { definitionDigest, FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';

const EXAMPLE = path.resolve(__dirname, '../../../examples/mcp-gate/bundle');
const GATE = 'service/gate';

let bundle: LoadedBundle;
let logged: object[];
let changes: ToolChanges;
beforeAll(async () => {
  const loaded = await loadBundle(EXAMPLE, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});
beforeEach(() => {
  logged = [];
  const error = (details: object, message: string) => void logged.push({ ...details, message });
  changes = new ToolChanges({ info: () => undefined, warn: () => undefined, error }, () => 5);
});

const change = (given = 'sha-256:given') => {
  const pin = bundle.toolPins['payments']?.['send_payment'];
  if (pin === undefined) throw new Error('the example has changed');
  return {
    ...{ server: 'payments', tool: 'send_payment', pinned: definitionDigest(pin), given },
    differences: ['description was "a", is "b"'],
  };
};

describe('GAT-3 tools that gates hold', () => {
  test('are an alert with a readable difference, once, and on the page until somebody changes the pin', () => {
    changes.report(GATE, change(), bundle);
    changes.report(GATE, change(), bundle);
    expect(logged).toEqual([
      expect.objectContaining({ ...change(), by: GATE, message: expect.stringMatching(/^ALERT /) }),
    ]);
    expect(changes.held(bundle)).toMatchObject([{ tool: 'send_payment', by: GATE, atMs: 5 }]);
    changes.report(GATE, change('sha-256:other'), bundle);
    expect(logged).toHaveLength(2);
    expect(changes.held(bundle)).toHaveLength(1);
    const { send_payment: pin } = bundle.toolPins['payments'] ?? {};
    if (pin === undefined) throw new Error('the example has changed');
    const repinned = { ...bundle, toolPins: { payments: { send_payment: { ...pin, description: 'b' } } } };
    expect(changes.held({ ...repinned, context: bundle.context })).toEqual([]);
  });

  test('nobody but the identity that carries out the tool reports it, and only against the pin in force', () => {
    for (const other of ['agent/atlas', 'service/gateway', 'person/mira'])
      expect(() => changes.report(other, change(), bundle)).toThrow('only the identity');
    expect(() => changes.report(GATE, { ...change(), tool: 'close_account' }, bundle)).toThrow('only the');
    expect(() => changes.report(GATE, { ...change(), server: 'constructor' }, bundle)).toThrow('only the');
    expect(() => changes.report(GATE, { ...change(), pinned: 'sha-256:old' }, bundle)).toThrow(
      'pinned otherwise',
    );
    expect(changes.held(bundle)).toEqual([]);
    expect(logged).toEqual([]);
  });
});
