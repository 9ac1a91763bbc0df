import path from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { StdioGate } from '../../../src/gate/stdio-gate';
import type { CallDecision, ToolCall } from '../../../src/gate/tool-gate';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';

let bundle: LoadedBundle;
beforeAll(async () => {
  const example = path.resolve(__dirname, '../../../examples/mcp-gate/bundle');
  const loaded = await loadBundle(example, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});

type Line = Readonly<Record<string, unknown>>;

/** A gate between a client and a server that the test plays itself. */
class Ground {
  readonly toServer: Line[] = [];
  readonly ended: unknown[] = [];
  readonly #input = new PassThrough();
  readonly #output = new PassThrough();
  decision: CallDecision = { kind: 'pass', arguments: { amount: 1 }, call: '7', mostBytes: 200 };
  /** Resolves when the gate may decide. */
  deciding: Promise<unknown> = Promise.resolve();
  isPinned = true;

  constructor(observe = false) {
    this.gate = new StdioGate({
      ...{ server: 'payments', observe, input: this.#input, output: this.#output },
      bundle: async () => bundle,
      gate: {
        decide: async (call: ToolCall) => {
          this.decided.push(call.name);
          await this.deciding;
          return this.decision;
        },
        stateOf: () =>
          this.isPinned ? { ok: true, digest: '' } : { ok: false, code: 'TOOL_CHANGED', why: 'it differs' },
        ended: (...end) => void this.ended.push(end),
      },
    });
    void this.gate.serve({ send: (message) => void this.toServer.push(JSON.parse(JSON.stringify(message))) });
  }

  readonly gate: StdioGate;
  readonly decided: string[] = [];

  /** The client says something. */
  async client(message: object): Promise<void> {
    this.#input.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  }

  /** The server says something. */
  async server(message: object): Promise<void> {
    const said = { jsonrpc: '2.0' as const, ...message };
    this.gate.fromServer(said, Buffer.from(JSON.stringify(said)));
    for (let turn = 0; turn < 5; turn += 1) await setImmediate();
  }

  /** What the client has read since it last looked. */
  read(): readonly Line[] {
    const text = String(this.#output.read() ?? '');
    return text === ''
      ? []
      : text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line));
  }

  call = (id: number) =>
    this.client({ id, method: 'tools/call', params: { name: 'send_payment', arguments: { amount: 1 } } });
}

const result = (text: string) => ({ content: [{ type: 'text', text }] });

describe('GAT-1 what a server says', () => {
  test('counts once and for what was asked; a second answer, and one with another id, reach nobody', async () => {
    const ground = new Ground();
    await ground.call(1);
    await ground.server({ id: 2, result: result('of another') });
    await ground.server({ id: '1', result: result('of a text that looks the same') });
    expect(ground.read()).toEqual([]);
    await ground.server({ id: 1, result: result('paid') });
    await ground.server({ id: 1, result: result('paid again') });
    expect(ground.read()).toEqual([{ jsonrpc: '2.0', id: 1, result: result('paid') }]);
    expect(ground.ended).toHaveLength(1);
  });

  test('is no answer to a call that is held', async () => {
    const ground = new Ground();
    let decide: (value?: unknown) => void = () => undefined;
    ground.deciding = new Promise((resolve) => {
      decide = resolve;
    });
    ground.decision = { kind: 'not-made', code: 'DENIED', text: 'no' };
    await ground.call(1);
    await ground.server({ id: 1, result: result('forged') });
    await ground.server({ id: 1, method: 'ping', result: result('forged') });
    expect(ground.read()).toEqual([]);
    // Nor is another message of the client taken under the id, or the server told of a call that it does not know.
    await ground.client({ id: 1, method: 'ping' });
    await ground.client({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(ground.read()).toMatchObject([{ id: 1, error: { message: 'this id is in use' } }]);
    expect(ground.toServer).toEqual([]);
    decide();
    await ground.client({ method: 'notifications/initialized' });
    expect(ground.read()).toMatchObject([{ id: 1, result: { isError: true } }]);
  });

  test('is held back if it is longer than the catalog lets through', async () => {
    const ground = new Ground();
    await ground.call(1);
    await ground.server({ id: 1, result: result('x'.repeat(200)) });
    expect(JSON.stringify(ground.read())).toContain('RESULT_TOO_LONG: The call was made');
  });

  test('GAT-3 as its list of tools is offered without those that are not mapped, or are not as pinned', async () => {
    const tools = [{ name: 'send_payment' }, { name: 'close_account' }];
    const offered = async (ground: Ground) => {
      await ground.client({ id: 1, method: 'tools/list' });
      await ground.server({ id: 1, result: { tools } });
      const [line] = ground.read();
      return JSON.stringify(line?.['result']).match(/send_payment|close_account/g);
    };
    expect(await offered(new Ground())).toEqual(['send_payment']);
    expect(await offered(new Ground(true))).toEqual(['send_payment', 'close_account']);
    const changed = new Ground(true);
    changed.isPinned = false;
    expect(await offered(changed)).toEqual(['close_account']);
  });
});

describe('GAT-1 what a client says', () => {
  test('calls a tool only after it was decided, with the arguments of the decision', async () => {
    const ground = new Ground();
    ground.decision = { kind: 'pass', arguments: { amount: 2 }, call: '7' };
    await ground.call(1);
    expect(ground.decided).toEqual(['send_payment']);
    expect(ground.toServer).toMatchObject([
      { id: 1, method: 'tools/call', params: { arguments: { amount: 2 } } },
    ]);
  });

  test('does not reach the server by a method that acts, or as a call that nobody hears the end of', async () => {
    const ground = new Ground();
    for (const method of ['tools/execute', 'tasks/get', 'TOOLS/CALL', 'tools/list/']) {
      await ground.client({ id: method, method, params: { name: 'send_payment' } });
      expect(ground.read()).toMatchObject([{ id: method, error: { code: -32_601 } }]);
    }
    await ground.client({ method: 'tools/call', params: { name: 'send_payment', arguments: {} } });
    expect(ground.decided).toEqual([]);
    expect(ground.toServer).toEqual([]);
  });
});
