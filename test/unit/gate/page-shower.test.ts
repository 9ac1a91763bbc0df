import path from 'node:path';
import { PassThrough } from 'node:stream';
import { lineOf } from '../../../src/gate/message';
import { StdioGate } from '../../../src/gate/stdio-gate';
import type { CallDecision } from '../../../src/gate/tool-gate';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';

const EXAMPLE = path.resolve(__dirname, '../../../examples/mcp-gate/bundle');
const WAITS: CallDecision = {
  kind: 'not-made',
  code: 'APPROVAL_NEEDED',
  text: 'It waits.',
  request: 'call_1',
  page: 'https://access.example/requests/call_1',
};

let bundle: LoadedBundle;
beforeAll(async () => {
  const loaded = await loadBundle(EXAMPLE, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});

// biome-ignore lint/suspicious/noExplicitAny: a message of the gate, of which a test asks what it needs
type Said = any;

/** A client on one side, a server that notes what reaches it on the other. */
function connect(capabilities: object) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const said: Said[] = [];
  output.on('data', (line: Buffer) => void said.push(JSON.parse(line.toString())));
  const reached: Said[] = [];
  const gate = new StdioGate({
    ...{ server: 'payments', observe: false, input, output },
    bundle: async () => bundle,
    gate: {
      decide: async () => WAITS,
      stateOf: () => ({ ok: true, digest: 'x' }),
      ended: () => undefined,
    },
  });
  const serving = gate.serve({ send: (message) => void reached.push(message) });
  const say = async (message: object) => {
    input.write(lineOf({ jsonrpc: '2.0', ...message }));
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const call = (id: number) =>
    say({ id, method: 'tools/call', params: { name: 'send_payment', arguments: {} } });
  const greet = () => say({ id: 0, method: 'initialize', params: { capabilities } });
  const end = async () => {
    input.end();
    await serving;
  };
  return { said, reached, say, call, greet, end };
}

describe('GAT-1 FRI-2 the page of a request that waits', () => {
  test('is shown once by a client that can; what it answers goes to no server and decides nothing', async () => {
    const { said, reached, say, call, greet, end } = connect({ elicitation: { url: {} } });
    await greet();
    await call(1);
    const [shown] = said;
    expect(said).toHaveLength(1);
    expect(shown).toMatchObject({
      method: 'elicitation/create',
      params: { mode: 'url', url: 'https://access.example/requests/call_1', elicitationId: 'call_1' },
    });
    await say({ id: shown.id, result: { action: 'accept' } });
    expect(said[1]).toMatchObject({ id: 1, result: { isError: true } });
    expect(reached.map(({ method }) => method)).toEqual(['initialize']);
    await call(2);
    expect(said[2]).toMatchObject({ id: 2, result: { isError: true } });
    // An answer to a request of the server still reaches it.
    await say({ id: 'of-the-server', result: {} });
    expect(reached.at(-1)).toMatchObject({ id: 'of-the-server' });
    await end();
  });

  test.each([
    [{}],
    [{ elicitation: {} }],
    [{ elicitation: { form: {} } }],
  ])('is not shown by a client that says %j', async (capabilities) => {
    const { said, call, greet, end } = connect(capabilities);
    await greet();
    await call(1);
    expect(said).toMatchObject([{ id: 1, result: { isError: true } }]);
    await end();
  });
});
