import { eventually } from '../../support/harness-wait';
import { Gate, GateStack } from './support';

jest.setTimeout(180_000);

let stack: GateStack;
let gate: Gate;
beforeAll(async () => {
  stack = await GateStack.start();
  gate = await Gate.start(stack);
}, 180_000);
afterAll(async () => {
  await gate?.stop();
  await stack?.stop();
});

const approve = async (request: string) => {
  await stack.sign('person/helen', request);
  await stack.sign('person/tomas', request);
};

/** How many requests for the same may be open, by the bundle of the example. */
const OPEN = 20;
/** What an agent is told that calls more than it may, and that it can call again. */
const TOLD: Readonly<Record<string, RegExp>> = {
  APPROVAL_NEEDED: /Call this tool again with exactly the same arguments/,
  ASKED_TOO_OFTEN: /Nobody was asked\. Call again later with exactly the same arguments/,
  RATE_LIMITED: /Call again later with the same arguments/,
  NOT_NOW: /Call again later/,
};

/** Calls again, as the agent is told to, while it calls more often than it may. */
const paid = (amount: number) =>
  eventually('an answer of the gate', async () => {
    const said = await gate.pay(amount);
    return ['RATE_LIMITED', 'NOT_NOW'].includes(said.code) ? undefined : said;
  });

/** Asks for other payments until no more may be open. Returns one that waits. */
async function fill(from: number) {
  let waits: Awaited<ReturnType<typeof paid>>;
  for (let amount = from; amount < from + 2 * OPEN; amount += 1) {
    const said = await paid(amount);
    if (said.code === 'ASKED_TOO_OFTEN' && waits !== undefined) return waits;
    if (said.code === 'APPROVAL_NEEDED') waits ??= { amount, request: said.request };
  }
  throw new Error('there is no limit, or no room');
}

describe('GAT-1 TTA-3 a thousand calls of one tool at once', () => {
  test('of which one is approved: that one is made, once, no other is, and each is told how to go on', async () => {
    const asked = await gate.pay(1_500);
    await approve(asked.request);
    const amounts = Array.from({ length: 1_000 }, (_, index) => 1_000 + index);
    const said = await Promise.all(amounts.map((amount) => gate.pay(amount)));
    const [others, inTheRush, after] = [said.toSpliced(500, 1), said[500], await paid(1_500)];
    const made = [inTheRush, after].filter(({ text }) => text === 'paid 1500 EUR to ACME');
    expect(made).toHaveLength(1);
    if (after !== made[0]) expect(after).toMatchObject({ code: 'ALREADY_RUN', request: asked.request });
    else expect(inTheRush.text).toMatch(TOLD[inTheRush.code] ?? 'nothing that was expected');
    expect(gate.paid()).toEqual(['send_payment {"to":"ACME","amount":1500,"currency":"EUR"}']);
    for (const { isError, code, text } of others) {
      expect(isError).toBe(true);
      expect(text).toMatch(TOLD[code] ?? `not a code that was expected: ${code}`);
    }
    const waits = others.filter(({ code }) => code === 'APPROVAL_NEEDED');
    expect(waits.length).toBeGreaterThan(0);
    expect(waits.length).toBeLessThanOrEqual(OPEN);
  });

  test('with as many open as may be, one that gets approved is made; one that was refused is asked as soon as one is decided', async () => {
    // Of the thousand, some wait.
    const first = await fill(1_000);
    await approve(first.request);
    // It takes no place any more, so another can wait in its place.
    const second = await fill(3_000);
    expect(await paid(4_000)).toMatchObject({ code: 'ASKED_TOO_OFTEN' });
    expect(await paid(first.amount)).toMatchObject({ text: `paid ${first.amount} EUR to ACME` });
    await stack.sign('person/helen', second.request, 'deny');
    const later = await eventually('room for another call', async () => {
      const said = await paid(4_000);
      return said.code === 'APPROVAL_NEEDED' ? said : undefined;
    });
    await approve(later.request);
    expect(await paid(4_000)).toMatchObject({ text: 'paid 4000 EUR to ACME' });
    expect(gate.paid()).toHaveLength(3);
  });
});
