import { type ToolSet, tool } from 'ai';
import { z } from 'zod';
import { ActionGate, NothingDone } from '../../../src/adapters/action-gate';
import { answerApprovals, gatedTools } from '../../../src/adapters/ai-sdk';
import { byToken, Requester } from '../../../src/enforcement';

/* What the gate makes of calls and of what tools throw; a gateway that agrees to everything stands behind it. */

const GATEWAY = 'https://gateway.example';
const reported: unknown[] = [];
const sent: string[] = [];

const agreeable: typeof fetch = async (input, init = {}) => {
  const { pathname } = new URL(String(input));
  sent.push(pathname);
  if (pathname === '/v1/executions/outcome') reported.push(JSON.parse(String(init.body)).outcome);
  return Response.json({
    policy_decision_point: GATEWAY,
    access_evaluation_endpoint: `${GATEWAY}/access/v1/evaluation`,
    ...{ token: 'a.b.c', audience: 'service/runner', expires_at: '2026-01-01T00:00:00Z' },
  });
};

let gate: ActionGate;
beforeAll(async () => {
  const someone = await Requester.at({
    gateway: GATEWAY,
    credential: byToken(async () => 't'),
    fetch: agreeable,
  });
  gate = new ActionGate({
    agent: someone,
    executor: someone,
    conversation: 'one',
    actions: {
      rotate: {
        entitlement: { connector: 'changes', resource: 'payments-secrets', action: 'rotate' },
        target: 'payments-secrets',
        minutes: 10,
        containment: 'keep the old version',
        rollback: 'restore the old version',
        reason: 'it is a year old',
      },
    },
  });
});
beforeEach(() => {
  reported.splice(0);
  sent.splice(0);
});

describe('AGE-5 what became of a call is on record as far as it is known', () => {
  const call = { id: 'call-1', tool: 'rotate', arguments: { path: 'payments/api' } };
  const throwing = (error: unknown) => () => {
    throw error;
  };

  test.each([
    ['done', () => 'done', 'succeeded'],
    ['broken off', throwing(new Error('the connection was reset')), 'unknown'],
    ['said to be undone', throwing(new NothingDone('the new version was refused')), 'failed'],
  ])('%s', async (_, work, outcome) => {
    await gate.execute(call, work).catch(() => undefined);
    expect(reported).toEqual([outcome]);
  });

  test('thrown, and turned into words by a framework', async () => {
    await gate.execute(
      call,
      () => 'error: reset',
      (said) => said.startsWith('error'),
    );
    expect(reported).toEqual(['unknown']);
  });
});

describe('AGE-1, TTA-3 what cannot be written down as it is cannot be approved', () => {
  const ran: unknown[] = [];
  const rotate = tool({ inputSchema: z.any(), execute: async (given: unknown) => void ran.push(given) });
  const given = [
    'payments/api',
    ['payments/api'],
    null,
    undefined,
    7,
    new Map([['path', 'payments/api']]),
    { path: new Map([['a', 1]]) },
    { path: [new Date(0)] },
    { path: Number.NaN },
  ];

  test.each(given.map((one) => [one]))('%p', async (input) => {
    const tools: ToolSet = gatedTools(gate, { rotate });
    const options = { toolCallId: 'call-1', messages: [] };
    const { needsApproval, execute } = tools['rotate'] ?? {};
    const asked = async () => typeof needsApproval === 'function' && needsApproval(input, options);
    await expect(asked()).rejects.toThrow('not a JSON object');
    await expect((async () => execute?.(input, options))()).rejects.toThrow('not a JSON object');
    const part = {
      type: 'tool-approval-request',
      approvalId: 'a',
      toolCall: { toolName: 'rotate', toolCallId: 'c', input },
    };
    await expect(answerApprovals(gate, [part], { withinMs: 10 })).rejects.toThrow('not a JSON object');
    expect(ran).toEqual([]);
    expect(sent).toEqual([]);
  });

  test('and other arguments are another request, whatever they look like', async () => {
    const one = (args: Readonly<Record<string, unknown>>) =>
      gate.execute({ id: 'call-1', tool: 'rotate', arguments: args }, () => 'done');
    await expect(one({ path: new Set(['a']) })).rejects.toThrow('not a JSON object');
    await expect(one({ path: { 0: 'a' }, at: undefined })).resolves.toBe('done');
  });
});
