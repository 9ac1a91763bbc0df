import { existsSync } from 'node:fs';
import path from 'node:path';
import { eventually, eventuallyTrue } from '../../support/harness-wait';
import { Passage, type Step } from './passage';
import { Gate, GateStack, paidIn } from './support';

/* The gate, its server and the worker are killed at each step of an approved call. In every case the call is made at most once, and
   never before it is approved. What cannot be known is said to be unknown, and calling again does not make the call again. */

jest.setTimeout(180_000);

const HOSTILE = [process.execPath, path.join(__dirname, 'hostile-server.mjs')];
let passage: Passage;
let stack: GateStack;
beforeAll(async () => {
  passage = await Passage.start();
  stack = await GateStack.start(({ url }) => {
    passage.target = url;
    return { publicUrl: passage.url };
  });
}, 180_000);
afterAll(async () => {
  await stack?.stop();
  passage?.stop();
});

type Victim = 'gate' | 'server' | 'worker';
type Moment = Step | 'waiting' | 'forward';
type When = 'before' | 'after';

/** What an agent is told that may call again: nothing was done, and nothing is known to stand in the way. */
const AGAIN = [
  'gone',
  'UNREACHABLE',
  'RATE_LIMITED',
  'NOT_NOW',
  'REFUSED',
  'TOOL_NOT_OFFERED',
  'APPROVAL_NEEDED',
];

/** One payment, by one gate after the other, before one server after the other. All servers write into one file. */
class Payment {
  #gate: Gate | undefined;
  readonly #file: string;

  constructor(
    private readonly amount: number,
    private readonly isSlow: boolean,
  ) {
    this.#file = path.join(stack.root, `paid-${amount}.txt`);
  }

  /** Calls, by a new gate if the last one has ended. Returns `paid`, the code of the gate's answer, or `gone` without one. */
  async call(): Promise<string> {
    const gate = await this.#running();
    const said = await gate.pay(this.amount).catch(() => ({ code: 'gone' }));
    return said.text === `paid ${this.amount} EUR to ACME` ? 'paid' : (said.code ?? 'gone');
  }

  /** Calls until the agent is told what became of the call. */
  result(): Promise<string> {
    const told = async () => {
      const code = await this.call();
      return AGAIN.includes(code) ? undefined : code;
    };
    return eventually('what became of the call', told, 90_000);
  }

  /** Has two people approve. Nothing is paid until the second of them has. */
  async approve(): Promise<void> {
    const { request } = await eventually(
      'a call that waits for people',
      async () => {
        const said = await (await this.#running()).pay(this.amount).catch(() => ({ code: 'gone' }));
        return said.code === 'APPROVAL_NEEDED' && /of 2 have approved/.test(said.text) ? said : undefined;
      },
      90_000,
    );
    await stack.sign('person/helen', request);
    expect(this.paid()).toBe(0);
    await stack.sign('person/tomas', request);
  }

  paid = (): number => paidIn(this.#file).length;

  hasBegun = (): boolean => existsSync(`${this.#file}.begun`);

  async kill(victim: Victim): Promise<void> {
    if (victim === 'gate') await this.#gate?.stop('SIGKILL');
    else if (victim === 'server') this.#gate?.killServer();
    else stack.kill('worker');
  }

  async stop(): Promise<void> {
    await this.#gate?.stop();
  }

  async #running(): Promise<Gate> {
    const { exitCode, signalCode } = this.#gate?.child ?? {};
    if (this.#gate === undefined || exitCode !== null || signalCode !== null) {
      const env = { PAYMENTS_FILE: this.#file, ...(this.isSlow && { SLOWLY_MS: '700' }) };
      this.#gate = await Gate.start(stack, { command: HOSTILE, env });
    }
    return this.#gate;
  }
}

/** Calls, and kills at the moment. */
async function interrupted(payment: Payment, victim: Victim, moment: Moment, when: When): Promise<void> {
  if (moment === 'waiting') {
    await payment.call();
    return payment.kill(victim);
  }
  if (moment === 'forward') {
    const called = payment.call();
    await eventuallyTrue('the server is that far', async () =>
      when === 'before' ? payment.hasBegun() : payment.paid() === 1,
    );
    await payment.kill(victim);
    return void (await called);
  }
  passage.trap = {
    step: moment,
    when,
    act: async () => {
      await payment.kill(victim);
      return victim !== 'gate';
    },
  };
  await payment.call();
  expect(passage.trap).toBeUndefined();
}

/** What is known in the end, and how often the call was made. */
const ONCE = ['paid 1'];
/** The token that a killed gate had is good for no other gate, until it expires. */
const LATER = ['NOT_NOW 0'];
const UNKNOWN = ['OUTCOME_UNKNOWN 0'];

let amount = 10_000;
test.each<[Victim, When, Moment, readonly string[]]>([
  ['gate', 'before', 'ask', ONCE],
  ['gate', 'after', 'ask', ONCE],
  ['gate', 'after', 'waiting', ONCE],
  ['gate', 'before', 'proof', ONCE],
  ['gate', 'after', 'proof', ONCE],
  ['gate', 'before', 'use', LATER],
  ['gate', 'after', 'use', UNKNOWN],
  // The server goes on, or ends with the gate.
  ['gate', 'before', 'forward', ['OUTCOME_UNKNOWN 0', 'OUTCOME_UNKNOWN 1']],
  ['gate', 'after', 'forward', ['OUTCOME_UNKNOWN 1']],
  ['gate', 'before', 'outcome', ['OUTCOME_UNKNOWN 1']],
  ['gate', 'after', 'outcome', ['ALREADY_RUN 1']],
  ['server', 'after', 'ask', ONCE],
  ['server', 'after', 'waiting', ONCE],
  ['server', 'after', 'proof', ONCE],
  ['server', 'after', 'token', UNKNOWN],
  ['server', 'after', 'use', UNKNOWN],
  ['server', 'before', 'forward', UNKNOWN],
  ['server', 'after', 'forward', ['OUTCOME_UNKNOWN 1']],
  ['server', 'before', 'outcome', ['ALREADY_RUN 1']],
  ['worker', 'before', 'ask', ONCE],
  ['worker', 'after', 'waiting', ONCE],
  ['worker', 'before', 'proof', ONCE],
  ['worker', 'before', 'token', ONCE],
  // It may be gone before it has written down that the token was used.
  ['worker', 'before', 'use', ['paid 1', 'OUTCOME_UNKNOWN 0']],
  ['worker', 'after', 'use', ['ALREADY_RUN 1']],
  ['worker', 'before', 'forward', ['ALREADY_RUN 1']],
  ['worker', 'before', 'outcome', ['ALREADY_RUN 1', 'OUTCOME_UNKNOWN 1']],
])('GAT-1 AGE-1 AGE-2 AGE-5 the %s killed %s the step %s', async (victim, when, moment, expected) => {
  amount += 1;
  const payment = new Payment(amount, moment === 'forward');
  try {
    const isEarly = moment === 'ask' || moment === 'waiting';
    if (!isEarly) await payment.approve();
    await interrupted(payment, victim, moment, when);
    if (isEarly) await payment.approve();
    const result = expected === LATER ? await payment.call() : await payment.result();
    expect(expected).toContain(`${result} ${payment.paid()}`);
    const before = payment.paid();
    expect(await payment.call()).not.toBe('paid');
    expect(payment.paid()).toBe(before);
  } finally {
    passage.trap = undefined;
    await payment.stop();
  }
});
