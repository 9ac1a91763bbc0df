import path from 'node:path';
import { NO_PRECEDENTS, type Precedents } from '../../../src/domain/precedents';
import type { Settled } from '../../../src/gate/approved-calls';
import type { CallRecord } from '../../../src/gate/call-log';
import type { ChangedTool } from '../../../src/gate/changed-tools';
import { type ToolCall, ToolGate } from '../../../src/gate/tool-gate';
import { FileTicketSource, type LoadedBundle, loadBundle, type ToolDefinition } from '../../../src/policy';

const EXAMPLE = path.resolve(__dirname, '../../../examples/mcp-gate/bundle');

let bundle: LoadedBundle;
beforeAll(async () => {
  const loaded = await loadBundle(EXAMPLE, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});

const WHO = {
  server: 'payments',
  agent: 'agent/atlas',
  executorId: 'service/gate',
  onBehalfOf: ['person/lena'],
};

/** A gate over the bundle of the example, without a server, a gateway or a disk. */
class Ground {
  readonly events: string[] = [];
  readonly records: CallRecord[] = [];
  readonly changed: ChangedTool[] = [];
  isFull = false;
  isLedgerAway = false;
  isOnRecord = false;
  precedents: Precedents = NO_PRECEDENTS;
  definitions = bundle.toolPins['payments'] ?? {};
  readonly catalog = bundle.context.catalog;
  about: unknown;
  /** Ids of the requests that the calls were. */
  readonly requests: string[] = [];
  settled: Settled = { kind: 'result', result: { content: [] } };
  settling: Promise<unknown> = Promise.resolve();

  gate(observe = false, who: Partial<typeof WHO> = {}): ToolGate {
    return new ToolGate({
      ...WHO,
      ...who,
      bundles: { current: async () => bundle },
      precedents: {
        of: async () => {
          if (this.isLedgerAway) throw new Error('away');
          return this.precedents;
        },
        learned: () => void this.events.push('learned'),
      },
      approved: {
        propose: async () => void this.events.push('proposed'),
        settle: async ({ id }, _waitMs, _hint, about) => {
          this.events.push('settled');
          this.about = about;
          this.requests.push(id);
          await this.settling;
          return this.settled;
        },
      },
      isOnRecord: async () => this.isOnRecord,
      log: {
        append: async (record) => {
          if (this.isFull) throw new Error('ENOSPC');
          this.records.push(record);
        },
        note: (record) => void this.records.push(record),
      },
      definitionOf: async (tool): Promise<ToolDefinition | undefined> => this.definitions[tool],
      changes: { tell: (changed) => void this.changed.push(changed) },
      observe,
      waitMs: 0,
      nowMs: Date.now,
    });
  }

  async decide(call: ToolCall, observe = false): Promise<string> {
    const decision = await this.gate(observe).decide(call);
    return decision.kind === 'not-made' ? decision.code : decision.kind;
  }
}

/** Requests for the same that wait for people. */
const waiting = (count: number): Precedents => ({
  ...NO_PRECEDENTS,
  asks: Array.from({ length: count }, (_, index) => ({
    request: `request-${index}`,
    requester: 'agent/atlas',
    beneficiary: 'agent/atlas',
    entitlement: 'tools:payments#pay',
    askedAtMs: Date.now(),
    outcome: 'approve',
    approvers: {},
    granted: false,
  })),
});

const payment = (amount: number): ToolCall => ({
  name: 'send_payment',
  arguments: { to: 'ACME', amount, currency: 'EUR' },
});

let ground: Ground;
beforeEach(() => {
  ground = new Ground();
});

describe('GAT-1 GAT-2 a call of a tool', () => {
  test('that policy permits is recorded, then passed on', async () => {
    expect(await ground.decide(payment(20))).toBe('pass');
    expect(ground.records).toMatchObject([{ event: 'decided', outcome: 'permit' }]);
  });

  test('that cannot be recorded is not passed on, neither a permitted, an unmapped nor a large one', async () => {
    ground.isFull = true;
    expect(await ground.decide(payment(20))).toBe('NOT_RECORDED');
    expect(await ground.decide({ name: 'close_account', arguments: {} }, true)).toBe('NOT_RECORDED');
    expect(await ground.decide(payment(20_000))).toBe('NOT_RECORDED');
    expect(ground.events).toEqual([]);
  });

  test('is not passed on without what the ledger knows', async () => {
    ground.isLedgerAway = true;
    expect(await ground.decide(payment(20))).toBe('NOT_NOW');
  });

  test('APB-3 what the ledger knows counts for calls that policy permits alone', async () => {
    ground.precedents = {
      ...NO_PRECEDENTS,
      asks: Array.from({ length: 10 }, (_, index) => ({
        request: `request-${index}`,
        requester: 'agent/atlas',
        beneficiary: 'agent/atlas',
        entitlement: 'tools:payments#pay',
        askedAtMs: Date.now(),
        outcome: 'approve',
        approvers: {},
        end: 'denied',
        granted: false,
      })),
    };
    expect(await ground.decide(payment(20))).toBe('ASKED_TOO_OFTEN');
  });

  test('that people decide is settled, and what the client is told of it counts for its next call', async () => {
    expect(await ground.decide(payment(20_000))).toBe('result');
    expect(ground.events).toEqual(['settled', 'learned']);
  });

  test('of a thousand at once, no more are proposed than may be open, and the others are told how to go on', async () => {
    ground.precedents = waiting(5);
    let settle: (value?: unknown) => void = () => undefined;
    ground.settling = new Promise((resolve) => {
      settle = resolve;
    });
    const gate = ground.gate();
    const calls = Array.from({ length: 1_000 }, (_, index) => gate.decide(payment(1_000 + index)));
    const refused = await Promise.all(calls.slice(15));
    // The bundle of the example lets twenty be open.
    expect(ground.events).toEqual(Array.from({ length: 15 }, () => 'settled'));
    for (const decision of refused)
      expect(decision).toMatchObject({
        code: 'ASKED_TOO_OFTEN',
        text: expect.stringContaining('Call again later with exactly the same arguments'),
      });
    // What policy permits alone asks nobody.
    expect(await gate.decide(payment(20))).toMatchObject({ kind: 'pass' });
    settle();
    await Promise.all(calls);
    expect(await gate.decide(payment(9_000))).toMatchObject({ kind: 'result' });
  });

  test('that was proposed before goes on, whatever else has been asked since', async () => {
    ground.precedents = waiting(20);
    expect(await ground.decide(payment(20_000))).toBe('ASKED_TOO_OFTEN');
    expect(ground.events).toEqual([]);
    ground.isOnRecord = true;
    expect(await ground.decide(payment(20_000))).toBe('result');
    expect(ground.events).toEqual(['settled', 'learned']);
    expect(ground.records.at(-1)).toMatchObject({ reasonCodes: ['ASKED_TOO_OFTEN'], decidedBefore: true });
    // Any other refusal stands.
    ground.precedents = NO_PRECEDENTS;
    const inDollars = { to: 'ACME', amount: 20_000, currency: 'USD' };
    expect(await ground.decide({ name: 'send_payment', arguments: inDollars })).toBe('FORBIDDEN_BY_POLICY');
  });

  test('whose answer is longer than the catalog lets through was made, and its answer is held back', async () => {
    const answerOf = (characters: number) => ({ content: [{ type: 'text', text: 'x'.repeat(characters) }] });
    const settledWith = async (characters: number) => {
      ground.settled = { kind: 'result', result: answerOf(characters) };
      return JSON.stringify(await ground.gate().decide(payment(20_000)));
    };
    expect(await settledWith(65_000)).toContain('xxx');
    expect(await settledWith(65_536)).toMatch(/RESULT_TOO_LONG: The call was made/);
    // Counted in bytes, not in characters.
    ground.settled = { kind: 'result', result: { text: 'ä'.repeat(40_000) } };
    expect(JSON.stringify(await ground.gate().decide(payment(20_000)))).toContain('RESULT_TOO_LONG');
    expect(await ground.gate().decide(payment(20))).toMatchObject({ kind: 'pass', mostBytes: 65_536 });
  });

  test('GAT-3 FRI-3 with a secret leaves no digest in the record by which it could be guessed', async () => {
    const mapping = ground.catalog.tool('payments', 'send_payment');
    if (mapping === undefined) throw new Error('the example has changed');
    await ground.decide(payment(20_000));
    expect(ground.about).toMatchObject({ call: '1', request: expect.stringMatching(/^call_/) });
    jest.spyOn(ground.catalog, 'tool').mockReturnValue({ ...mapping, secrets: ['to', 'amount'] });
    await ground.decide(payment(20_000));
    jest.restoreAllMocks();
    expect(ground.about).toEqual({ call: '1', tool: 'send_payment' });
    expect(JSON.stringify(ground.records[1])).not.toContain('call_');
  });

  test('GAT-3 of a tool that differs from its pin is held, and governance is told what differs', async () => {
    const { send_payment: pin } = ground.definitions;
    if (pin === undefined) throw new Error('the example has changed');
    ground.definitions = { send_payment: { ...pin, description: 'Pay whoever asks.' } };
    expect(await ground.decide(payment(20))).toBe('TOOL_CHANGED');
    expect(ground.changed).toMatchObject([
      {
        server: 'payments',
        tool: 'send_payment',
        differences: [expect.stringContaining('is "Pay whoever asks."')],
      },
    ]);
  });

  test('GAT-3 of a tool that nobody mapped is not passed on, but to observe; that of a mapped tool is decided all the same', async () => {
    const unmapped: ToolCall = { name: 'close_account', arguments: {} };
    expect(await ground.decide(unmapped)).toBe('TOOL_NOT_OFFERED');
    expect(await ground.decide(unmapped, true)).toBe('pass');
    expect(ground.records.at(-1)).toMatchObject({ event: 'observed', tool: 'close_account' });
    expect(
      await ground.decide({ ...payment(20), arguments: { to: 'A', amount: 20, currency: 'USD' } }, true),
    ).toBe('FORBIDDEN_BY_POLICY');
    await ground.decide(payment(20_000), true);
    expect(ground.events).toEqual(['settled', 'learned']);
  });

  test('GAT-2 with a member that nobody declared, or of another type, is refused', async () => {
    const { arguments: given } = payment(20);
    const call = (more: object) => ground.decide({ name: 'send_payment', arguments: { ...given, ...more } });
    expect(await call({ force: true })).toBe('ARGUMENTS_NOT_AS_DECLARED');
    expect(await call({ amount: 'twenty' })).toBe('ARGUMENTS_NOT_AS_DECLARED');
    expect(await call({ amount: undefined })).toBe('ARGUMENTS_NOT_AS_DECLARED');
  });

  test('TTA-3 is another request with any other argument, nonce, agent, gate, or for anybody else', async () => {
    const decide = async (who: Partial<typeof WHO>, call: ToolCall) => ground.gate(false, who).decide(call);
    await decide({}, payment(20_000));
    await decide({}, payment(20_000));
    expect(new Set(ground.requests).size).toBe(1);
    await decide({}, payment(20_001));
    await decide({}, { ...payment(20_000), nonce: '2' });
    await decide({ onBehalfOf: [] }, payment(20_000));
    await decide({ onBehalfOf: ['person/lena', 'person/mira'] }, payment(20_000));
    expect(new Set(ground.requests).size).toBe(5);
  });

  test('GAT-3 that was approved is of another tool if its definition is another one, also one that is pinned now', async () => {
    const definition = ground.definitions['send_payment'];
    const parameters = { tool: 'send_payment', target: 'ACME', arguments: {} };
    const asApproved = (toolVersion: string) =>
      ground.gate().stillAsApproved({ ...parameters, toolVersion }, async () => definition);
    const gone = await ground
      .gate()
      .stillAsApproved({ ...parameters, toolVersion: '' }, async () => undefined);
    expect(gone).toMatchObject({ code: 'TOOL_NOT_OFFERED' });
    expect(await asApproved('sha-256:of-another')).toMatchObject({ code: 'TOOL_CHANGED' });
    const pinned = ground.gate().stateOf(bundle, 'send_payment', definition);
    expect(await asApproved(pinned.ok ? pinned.digest : '')).toBeUndefined();
  });
});
