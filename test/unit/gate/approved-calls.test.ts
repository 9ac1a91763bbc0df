import { setTimeout as sleep } from 'node:timers/promises';
import type { Assessment } from '../../../src/domain/assessment';
import type { Evidence } from '../../../src/domain/evidence';
import type { AccessRequest } from '../../../src/domain/request';
import { GatewayError } from '../../../src/enforcement';
import { standingSchema } from '../../../src/enforcement/requester';
import type { NotMade } from '../../../src/gate/answers';
import { ApprovedCalls, type Ran } from '../../../src/gate/approved-calls';
import { aRequest, needsApproval, START } from '../../support/domain/builders';
import { evidence, kept } from '../../support/domain/evidence';
import { LEAD_1, LEAD_2, REQUESTER } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, submitted } from '../../support/domain/ports';

const GATE = 'service/gate';
const MINUTE = 60_000;

const callOf = (amount: number, changes: Partial<AccessRequest> = {}): AccessRequest =>
  aRequest({
    id: `call_${amount}`,
    kind: 'execution',
    parameters: { tool: 'pay', toolVersion: '1', target: 'ACME', arguments: { amount } },
    containment: 'stop it',
    rollback: 'ask for it back',
    ...changes,
  });
const CALL = callOf(4_800);

const assessment = (changes: Partial<Assessment> = {}) =>
  needsApproval(undefined, { binding: { account: 'atlas', grant: { audience: GATE } }, ...changes });
const approvedBy = (request: AccessRequest, ...people: readonly string[]): Evidence =>
  evidence({
    submission: submitted(request),
    assessment: assessment(),
    statements: people.map((person) => kept(person, 'approve', {}, MINUTE, request)),
  });

/** A gateway that says whatever the test has it say, and a server that counts what it does. */
class Ground {
  status = 'active';
  given: unknown = approvedBy(CALL, LEAD_1, LEAD_2);
  answer: Ran = { kind: 'result', result: { content: [] } };
  today = assessment();
  readonly events: string[] = [];
  isFull = false;
  used = false;
  /** Runs before a token is used up. */
  beforeRedeeming: () => Promise<void> = async () => undefined;
  readonly forwarded: unknown[] = [];
  /** Requests that the gateway does not know, until they are asked. */
  readonly unknown = new Set<string>();
  /** Requests that were refused, with the reason. */
  readonly refused = new Map<string, string>();
  readonly asked: string[] = [];
  changed: NotMade | undefined;

  readonly calls = new ApprovedCalls({
    executorId: GATE,
    agent: {
      ask: async ({ id = '' }) => {
        this.asked.push(id);
        this.unknown.delete(id);
        return id;
      },
      look: async (id) => {
        if (this.unknown.has(id)) throw new GatewayError(404, 'about:blank', 'no such request');
        const refused = this.refused.get(id);
        return standingSchema.parse({
          request: { ...CALL, id },
          status: refused === undefined ? this.status : 'refused',
          awaiting: [],
          ...(refused && { policy: { outcome: 'refuse', reason_codes: [refused], explanation: 'no' } }),
        });
      },
      present: async () => ({ token: 'token', holderProof: 'proof', audience: GATE }),
    },
    executor: {
      evidence: async () => this.given,
      redeem: async () => {
        await this.beforeRedeeming();
        if (this.used) throw new GatewayError(409, 'about:blank', 'used', 'REPLAYED');
        this.used = true;
        return {};
      },
      reportOutcome: async (_, outcome) => {
        this.events.push(`reported ${outcome}`);
        return {};
      },
    },
    authority: async () => ({
      directory: new DirectoryInMemory(),
      policy: new PolicyInMemory(this.today),
    }),
    stillAsApproved: async () => this.changed,
    forward: async (_, given) => {
      this.events.push('forwarded');
      this.forwarded.push(given);
      await sleep(5);
      return this.answer;
    },
    log: {
      append: async ({ event }) => {
        if (this.isFull) throw new Error('ENOSPC');
        this.events.push(event);
      },
      note: ({ event }) => void this.events.push(event),
    },
    pageOf: (id) => `https://gateway.example/requests/${id}`,
    nowMs: () => START + 2 * MINUTE,
  });

  async settled(request = CALL): Promise<string> {
    const settled = await this.calls.settle(request, 0, '', {});
    return settled.kind === 'not-made' ? settled.code : settled.kind;
  }
}

let ground: Ground;
beforeEach(() => {
  ground = new Ground();
});

describe('GAT-1 TTA-3 an approved call', () => {
  test('is made once, with the approved arguments: on record, token used, forwarded, on record, reported', async () => {
    expect(await ground.settled()).toBe('result');
    expect(ground.forwarded).toEqual([{ amount: 4_800 }]);
    expect(ground.events).toEqual(['running', 'forwarded', 'ran', 'reported succeeded']);
  });

  test.each<[string, unknown, string]>([
    ['that nobody approved', approvedBy(CALL), 'NOT_AUTHORISED'],
    ['that one of two approved', approvedBy(CALL, LEAD_1), 'NOT_AUTHORISED'],
    ['that one person approved twice', approvedBy(CALL, LEAD_1, LEAD_1), 'REPLAYED'],
    ['that the agent approved itself', approvedBy(CALL, LEAD_1, REQUESTER), 'NOT_HUMAN'],
    ['of which another was approved', approvedBy(callOf(4_801), LEAD_1, LEAD_2), 'DIGEST_MISMATCH'],
    [
      'whose arguments are others under the same id',
      approvedBy(callOf(9_999, { id: CALL.id }), LEAD_1, LEAD_2),
      'DIGEST_MISMATCH',
    ],
    [
      'that acts for somebody else',
      approvedBy(callOf(4_800, { onBehalfOf: [] }), LEAD_1, LEAD_2),
      'DIGEST_MISMATCH',
    ],
    [
      'whose approvals are of another request',
      { ...approvedBy(CALL), statements: approvedBy(callOf(4_801), LEAD_1, LEAD_2).statements },
      'DIGEST_MISMATCH',
    ],
    ['of which there is no evidence', {}, 'NOT_AUTHORISED'],
  ])('whatever the gateway says, one %s is not made', async (_, given, code) => {
    ground.given = given;
    expect(await ground.settled()).toBe(code);
    expect(ground.events).toEqual([]);
  });

  test('by the policy of today: one that is stopped now, or is for another gate, is not made', async () => {
    ground.today = assessment({ binding: { account: 'atlas', grant: { audience: 'service/other' } } });
    expect(await ground.settled()).not.toBe('result');
    ground.today = assessment({ outcome: 'hard_stop' });
    expect(await ground.settled()).not.toBe('result');
    expect(ground.events).toEqual([]);
  });

  test('of a thousand that are the same, at once, one is made, and all get its result', async () => {
    const all = await Promise.all(Array.from({ length: 1_000 }, () => ground.settled()));
    expect(new Set(all)).toEqual(new Set(['result']));
    expect(ground.forwarded).toHaveLength(1);
  });

  test('of a thousand different ones, at once, of which one is approved, that one is made', async () => {
    const all = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) => ground.settled(callOf(4_300 + index))),
    );
    expect(all.filter((code) => code === 'result')).toHaveLength(1);
    expect(ground.forwarded).toEqual([{ amount: 4_800 }]);
  });

  test('GAT-3 of a tool that has changed since is not made, and its approval is not used up', async () => {
    ground.changed = { code: 'TOOL_CHANGED', text: 'it differs' };
    expect(await ground.settled()).toBe('TOOL_CHANGED');
    expect(ground.events).toEqual([]);
    expect(ground.used).toBe(false);
  });

  test('is not made if it cannot be recorded, and its approval is not used up', async () => {
    ground.isFull = true;
    expect(await ground.settled()).toBe('NOT_RECORDED');
    expect(ground.forwarded).toEqual([]);
    expect(ground.used).toBe(false);
  });

  test('whose token another gate has used is not made', async () => {
    ground.used = true;
    expect(await ground.settled()).toBe('OUTCOME_UNKNOWN');
    expect(ground.forwarded).toEqual([]);
  });

  test('AGE-5 of which the server says nothing is unknown', async () => {
    ground.answer = { kind: 'gone' };
    expect(await ground.settled()).toBe('OUTCOME_UNKNOWN');
    expect(ground.events).toContain('reported unknown');
  });

  test('a result that cannot be written as canonical JSON is a result all the same', async () => {
    let deep: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) deep = [deep];
    ground.answer = { kind: 'result', result: deep };
    expect(await ground.settled()).toBe('result');
  });

  test('that was refused because too much was open is asked again by another request; any other refusal stays', async () => {
    ground.status = 'awaiting_approval';
    ground.refused.set('call_4800', 'ASKED_TOO_OFTEN').set('call_4800_2', 'ASKED_TOO_OFTEN');
    ground.unknown.add('call_4800_3');
    expect(await ground.settled()).toBe('APPROVAL_NEEDED');
    expect(await ground.settled()).toBe('APPROVAL_NEEDED');
    expect(ground.asked).toEqual(['call_4800_3']);
    ground.refused.set('call_4801', 'FORBIDDEN_BY_POLICY');
    expect(await ground.settled(callOf(4_801))).toBe('FORBIDDEN_BY_POLICY');
    expect(ground.asked).toEqual(['call_4800_3']);
  });

  test('is made by the request that was approved, and by no approval of one that was refused before', async () => {
    ground.refused.set('call_4800', 'ASKED_TOO_OFTEN');
    // The gateway has approvals of the first request only.
    expect(await ground.settled()).toBe('DIGEST_MISMATCH');
    ground.given = approvedBy(callOf(4_800, { id: 'call_4800_2' }), LEAD_1, LEAD_2);
    expect(await ground.settled()).toBe('result');
    expect(ground.forwarded).toHaveLength(1);
  });

  test('that is refused for the last time is told so, with a way out', async () => {
    ground.status = 'refused';
    for (let id = 1; id <= 16; id += 1)
      ground.refused.set(id === 1 ? 'call_4800' : `call_4800_${id}`, 'ASKED_TOO_OFTEN');
    expect(await ground.calls.settle(CALL, 0, '', {})).toMatchObject({
      code: 'ASKED_TOO_OFTEN',
      text: expect.stringContaining('Call again later with exactly the same arguments'),
    });
    expect(ground.asked).toEqual([]);
  });
});
