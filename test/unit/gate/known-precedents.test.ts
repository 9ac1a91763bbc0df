import type { AskEntry, Precedents } from '../../../src/domain/precedents';
import { KNOWN_FOR_MS, KnownPrecedents } from '../../../src/gate/known-precedents';

const ENTRY: AskEntry = {
  request: {
    id: 'call_1',
    kind: 'execution',
    requester: 'agent/atlas',
    beneficiary: 'agent/atlas',
    entitlement: { connector: 'tools', resource: 'payments', action: 'pay' },
    durationMs: 1_000,
    emergency: false,
    reason: 'to pay',
    onBehalfOf: [],
    submittedAtMs: 0,
  },
  digest: 'sha-256:x',
  parties: ['agent/atlas', 'person/mira'],
  guardedBy: ['payments-limit'],
  withinMs: 86_400_000,
  atMs: 0,
};

/** A ledger in which denials are reported, and which answers when the test says so. */
class SlowLedger {
  denials = 0;
  readings: (() => void)[] = [];
  steadyMs = 10_000;
  wallMs = 1_000_000;
  isAway = false;
  isSlow = false;
  count = 0;
  readonly known = new KnownPrecedents(
    async () => {
      this.count += 1;
      const found = this.denials;
      if (this.isAway) throw new Error('away');
      if (this.isSlow) await new Promise<void>((resolve) => this.readings.push(resolve));
      return precedents(found);
    },
    { steadyMs: () => this.steadyMs, wallMs: () => this.wallMs },
  );

  pass(ms: number): void {
    this.steadyMs += ms;
    this.wallMs += ms;
  }

  async seen(entry: AskEntry = ENTRY): Promise<number> {
    return (await this.known.of(entry)).denials.length;
  }
}

const precedents = (denials: number): Precedents => ({
  asks: [],
  grants: [],
  denials: Array.from({ length: denials }, (_, index) => ({
    id: `denial-${index}`,
    reportedBy: 'service/gateway',
    subject: 'agent/atlas',
    reasonCode: 'denied',
    deniedAtMs: 0,
  })),
});

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('GAT-1 APB-3 what the gate knows of the ledger', () => {
  test('a denial counts a second after it was reported at the latest', async () => {
    const ledger = new SlowLedger();
    expect(await ledger.seen()).toBe(0);
    ledger.denials = 1;
    ledger.pass(KNOWN_FOR_MS);
    expect(await ledger.seen()).toBe(1);
  });

  test('age counts from when a reading began, and not from its answer', async () => {
    const ledger = new SlowLedger();
    ledger.isSlow = true;
    const first = ledger.seen();
    ledger.denials = 1;
    ledger.pass(KNOWN_FOR_MS - 100);
    ledger.readings.shift()?.();
    await first;
    ledger.pass(100);
    const next = ledger.seen();
    await turn();
    ledger.readings.shift()?.();
    expect(await next).toBe(1);
  });

  test('a busy agent waits for no reading: it is renewed beside the calls', async () => {
    const ledger = new SlowLedger();
    await ledger.seen();
    ledger.pass(500);
    ledger.denials = 1;
    expect(await ledger.seen()).toBe(0);
    await turn();
    expect(await ledger.seen()).toBe(1);
    expect(ledger.count).toBe(2);
  });

  test('what the gate has told its client counts for the next call, also for a reading that is under way', async () => {
    const ledger = new SlowLedger();
    await ledger.seen();
    ledger.denials = 1;
    ledger.known.learned();
    expect(await ledger.seen()).toBe(1);
    ledger.isSlow = true;
    const early = ledger.seen();
    ledger.denials = 2;
    ledger.pass(1);
    ledger.known.learned();
    const late = ledger.seen();
    await turn();
    ledger.readings.shift()?.();
    expect(await early).toBe(1);
    await turn();
    ledger.readings.shift()?.();
    expect(await late).toBe(2);
  });

  test('a thousand calls at once share a reading', async () => {
    const ledger = new SlowLedger();
    await Promise.all(Array.from({ length: 1_000 }, () => ledger.seen()));
    expect(ledger.count).toBe(1);
  });

  test('if the ledger is away, what is known lasts no longer than it may, and an error is not kept', async () => {
    const ledger = new SlowLedger();
    await ledger.seen();
    ledger.isAway = true;
    ledger.pass(KNOWN_FOR_MS - 1);
    expect(await ledger.seen()).toBe(0);
    await turn();
    ledger.pass(1);
    await expect(ledger.seen()).rejects.toThrow('away');
    ledger.isAway = false;
    expect(await ledger.seen()).toBe(0);
  });

  test('after the machine has slept, or its clock was set, what was known does not count', async () => {
    const ledger = new SlowLedger();
    await ledger.seen();
    ledger.denials = 1;
    ledger.wallMs += 3_600_000;
    expect(await ledger.seen()).toBe(1);
    ledger.denials = 2;
    ledger.wallMs -= 7_200_000;
    expect(await ledger.seen()).toBe(2);
  });

  test('other people, resources, controls and spans are other precedents', async () => {
    const ledger = new SlowLedger();
    const { request } = ENTRY;
    await ledger.seen();
    ledger.denials = 1;
    for (const other of [
      { ...ENTRY, parties: ['agent/atlas'] },
      { ...ENTRY, guardedBy: [] },
      { ...ENTRY, withinMs: 1 },
      { ...ENTRY, control: 'payments-limit' },
      { ...ENTRY, request: { ...request, requester: 'agent/other' } },
      { ...ENTRY, request: { ...request, beneficiary: 'agent/other' } },
      { ...ENTRY, request: { ...request, entitlement: { ...request.entitlement, resource: 'x' } } },
    ] satisfies AskEntry[])
      expect(await ledger.seen(other)).toBe(1);
    expect(await ledger.seen()).toBe(0);
  });
});
