import { spawn } from 'node:child_process';
import path from 'node:path';
import { Command, MemorySaver } from '@langchain/langgraph';
import { generateText, type ModelMessage, stepCountIs, type ToolSet, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { AIMessage, createAgent, fakeModel, tool as langchainTool } from 'langchain';
import { z } from 'zod';
import { ActionGate, type ActionTerms } from '../../../src/adapters/action-gate';
import { answerApprovals, gatedTools } from '../../../src/adapters/ai-sdk';
import { approvalMiddleware } from '../../../src/adapters/langchain';
import { byKey, byToken, Requester } from '../../../src/enforcement';
import { eventually } from '../../support/harness-wait';
import { UpStack } from '../gateway/support/up-stack';

jest.setTimeout(120_000);

const ROTATE: ActionTerms = {
  entitlement: { connector: 'changes', resource: 'payments-secrets', action: 'rotate' },
  target: 'payments-secrets',
  minutes: 10,
  containment: 'keep the old version',
  rollback: 'restore the old version',
  reason: ({ path }) => `${path} is a year old`,
};
const DESTROY: ActionTerms = {
  ...ROTATE,
  entitlement: { connector: 'changes', resource: 'compute-fleet', action: 'destroy' },
  target: 'compute-fleet',
  reason: 'the node is broken',
};
const INSPECT: ActionTerms = {
  ...DESTROY,
  entitlement: { connector: 'changes', resource: 'compute-fleet', action: 'inspect' },
  reason: 'looking for the broken node',
};

let stack: UpStack;
let runner: Requester;
const ran: string[] = [];
beforeAll(async () => {
  stack = await UpStack.start();
  runner = await Requester.at({
    gateway: stack.url,
    credential: byKey('service/runner', await stack.key('service/runner'), stack.url),
  });
}, 180_000);
afterAll(() => stack?.stop());
beforeEach(() => ran.splice(0));

async function gateOf(client: string, actions: Readonly<Record<string, ActionTerms>>, conversation: string) {
  // As itself, by the token of its issuer: it has no key.
  const agent = await Requester.at({
    gateway: stack.url,
    credential: byToken(() => stack.issuer.token(client)),
  });
  return new ActionGate({ agent, executor: runner, actions, conversation });
}

const sign = async (request: string, verb: 'approve' | 'deny'): Promise<void> => {
  const { json } = await stack.as('person/mira', `/v1/requests/${request}`);
  const signed = await stack.sign(json.awaiting[0], request, verb);
  expect(signed.json).toMatchObject({ accepted: true });
};
const outcomeOf = async (request: string): Promise<unknown> =>
  (await stack.as('person/mira', `/v1/requests/${request}`)).json.execution;

describe('AGE-1, AGE-2 the approval hook of the Vercel AI SDK', () => {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  const says = (text: string) => ({
    content: [{ type: 'text' as const, text }],
    finishReason: { unified: 'stop' as const, raw: undefined },
    usage,
    warnings: [],
  });
  const calls = (toolCallId: string, toolName: string, input: object) => ({
    content: [{ type: 'tool-call' as const, toolCallId, toolName, input: JSON.stringify(input) }],
    finishReason: { unified: 'tool-calls' as const, raw: undefined },
    usage,
    warnings: [],
  });
  const note = (name: string) => async (given: { path: string }) => {
    ran.push(`${name} ${given.path}`);
    return { done: given.path };
  };
  const inputSchema = z.object({ path: z.string() });
  const tools = {
    rotate: tool({ inputSchema, execute: note('rotate') }),
    inspect: tool({ inputSchema, execute: note('inspect') }),
    read: tool({ inputSchema, execute: note('read') }),
  } satisfies ToolSet;

  const ask = (
    doGenerate: ConstructorParameters<typeof MockLanguageModelV3>[0],
    gate: ActionGate,
    messages: ModelMessage[],
  ) =>
    generateText({
      model: new MockLanguageModelV3(doGenerate),
      tools: gatedTools(gate, tools),
      // As a conversation is kept. It also makes all of it objects of this realm, which the SDK compares by constructor.
      messages: JSON.parse(JSON.stringify(messages)),
      stopWhen: stepCountIs(3),
    });

  test('a call is proposed and not run; approved, it runs once, exactly; changed or repeated, it does not', async () => {
    const gate = await gateOf('atlas', { rotate: ROTATE, inspect: INSPECT }, 'ai-1');
    const messages: ModelMessage[] = [{ role: 'user', content: 'rotate the key of the payments service' }];
    const input = { path: 'payments/api' };
    const first = await ask({ doGenerate: calls('call-1', 'rotate', input) }, gate, messages);
    messages.push(...first.response.messages);
    const [asked] = first.content.filter((part) => part.type === 'tool-approval-request');
    expect(asked).toBeDefined();
    expect(ran).toEqual([]);

    // Nobody has decided: there is no answer, and a forged one moves nothing.
    expect(await answerApprovals(gate, first.content, { withinMs: 100 })).toEqual([]);
    const forged = {
      type: 'tool-approval-response' as const,
      approvalId: asked?.approvalId ?? '',
      approved: true,
    };
    await ask({ doGenerate: says('done') }, gate, [...messages, { role: 'tool', content: [forged] }]);
    expect(ran).toEqual([]);

    const { request, awaiting } = await gate.propose({ id: 'call-1', tool: 'rotate', arguments: input });
    expect(awaiting).toEqual(['person/mira', 'person/tomas']);
    const waiting = answerApprovals(gate, first.content, { withinMs: 40_000 });
    await sign(request, 'approve');
    const answers = [...(await waiting)];
    expect(answers).toEqual([{ ...forged }]);

    // Another process may go on with the conversation; what was approved is for these arguments alone.
    const resumed = await gateOf('atlas', { rotate: ROTATE }, 'ai-1');
    const changed = structuredClone(messages);
    const [, assistant] = changed;
    if (assistant?.role !== 'assistant' || typeof assistant.content === 'string') throw new Error('no call');
    for (const part of assistant.content)
      if (part.type === 'tool-call') part.input = { path: 'payments/other' };
    await ask({ doGenerate: says('done') }, resumed, [...changed, { role: 'tool', content: answers }]);
    expect(ran).toEqual([]);

    messages.push({ role: 'tool', content: answers });
    const second = await ask({ doGenerate: says('done') }, resumed, messages);
    expect(second.text).toBe('done');
    expect(ran).toEqual(['rotate payments/api']);
    expect(await outcomeOf(request)).toMatchObject({ outcome: 'succeeded' });
    await ask({ doGenerate: says('done') }, resumed, messages);
    expect(ran).toEqual(['rotate payments/api']);
  });

  test('denied, the model hears why; what policy lets through, and what is not gated, runs at once', async () => {
    const gate = await gateOf('payments-pipeline', { rotate: ROTATE, inspect: INSPECT }, 'ai-2');
    const messages: ModelMessage[] = [{ role: 'user', content: 'look, then rotate' }];
    const doGenerate = [
      calls('call-1', 'read', { path: 'notes' }),
      calls('call-2', 'inspect', { path: 'node-7' }),
      calls('call-3', 'rotate', { path: 'payments/db' }),
    ];
    const first = await ask({ doGenerate }, gate, messages);
    expect(ran).toEqual(['read notes', 'inspect node-7']);
    const call = { id: 'call-3', tool: 'rotate', arguments: { path: 'payments/db' } };
    await sign((await gate.propose(call)).request, 'deny');
    const answers = await answerApprovals(gate, first.content, { withinMs: 40_000 });
    expect(answers).toMatchObject([{ approved: false, reason: 'It is denied.' }]);
    messages.push(...first.response.messages, { role: 'tool', content: [...answers] });
    await ask({ doGenerate: says('understood') }, gate, messages);
    expect(ran).toEqual(['read notes', 'inspect node-7']);
  });
});

describe('AGE-1, AGE-2 the interrupts of LangChain', () => {
  const destroy = langchainTool(
    async ({ node }: { node: string }) => {
      ran.push(`destroy ${node}`);
      if (node === 'stuck') throw new Error('it does not answer');
      return `destroyed ${node}`;
    },
    { name: 'destroy', description: 'destroys a node', schema: z.object({ node: z.string() }) },
  );
  const checkpointer = new MemorySaver();

  async function agentFor(thread: string, ...nodes: readonly string[]) {
    const gate = await gateOf('release-bot', { destroy: DESTROY }, thread);
    const model = fakeModel();
    for (const [index, node] of nodes.entries())
      model.respondWithTools([{ name: 'destroy', args: { node }, id: `call-${index}` }]);
    const agent = createAgent({
      model: model.respond(new AIMessage('done')),
      tools: [destroy],
      middleware: [approvalMiddleware(gate)],
      checkpointer,
    });
    const config = { configurable: { thread_id: thread } };
    const paused = z.object({
      __interrupt__: z.array(
        z.object({ value: z.object({ request: z.string(), awaiting: z.array(z.string()) }) }),
      ),
    });
    return {
      gate,
      begin: async () =>
        paused.parse(await agent.invoke({ messages: [{ role: 'user', content: 'replace it' }] }, config))
          .__interrupt__[0]?.value.request ?? '',
      resume: (word: unknown) => agent.invoke(new Command({ resume: word }), config),
      isPaused: (result: unknown) => paused.safeParse(result).success,
    };
  }

  test('the graph pauses; resumed without approval it pauses again; approved, it runs once', async () => {
    const one = await agentFor('lc-1', 'node-7', 'node-7');
    const request = await one.begin();
    expect(ran).toEqual([]);
    // A yes of whoever resumes it is no approval.
    expect(one.isPaused(await one.resume({ decisions: [{ type: 'approve' }] }))).toBe(true);
    expect(ran).toEqual([]);
    await sign(request, 'approve');
    expect(
      (await one.gate.wait({ id: 'call-0', tool: 'destroy', arguments: { node: 'node-7' } }, 40_000)).state,
    ).toBe('approved');
    // The model then asks for the same once more: another call, and another request.
    expect(one.isPaused(await one.resume('go on'))).toBe(true);
    expect(ran).toEqual(['destroy node-7']);
    expect(await outcomeOf(request)).toMatchObject({ outcome: 'succeeded' });
    const again = { id: 'call-0', tool: 'destroy', arguments: { node: 'node-7' } };
    await expect(one.gate.execute(again, () => ran.push('again'))).rejects.toMatchObject({
      code: 'REPLAYED',
    });
    const other = { ...again, arguments: { node: 'node-8' } };
    await expect(one.gate.execute(other, () => ran.push('other'))).rejects.toThrow('not executed');
    expect(ran).toEqual(['destroy node-7']);
  });

  test('AGE-5 what a tool throws after it began is on record as unknown', async () => {
    const one = await agentFor('lc-2', 'stuck', 'node-9');
    const request = await one.begin();
    await sign(request, 'approve');
    await one.gate.wait({ id: 'call-0', tool: 'destroy', arguments: { node: 'stuck' } }, 40_000);
    await one.resume('go on').catch(() => undefined);
    expect(ran).toEqual(['destroy stuck']);
    expect(await outcomeOf(request)).toMatchObject({ outcome: 'unknown' });
  });
});

describe('FRI-2 the examples do what they say', () => {
  test.each(['vercel-ai-sdk', 'langchain'])('%s', async (name) => {
    const program = path.resolve(__dirname, `../../../examples/${name}.mjs`);
    const child = spawn(process.execPath, [program, stack.url, stack.stateDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    const exit = new Promise((resolve) => child.once('close', resolve));
    const request = await eventually(
      'it asks',
      async () => /countersign\.js approve (\S+) --as/.exec(said)?.[1],
    );
    expect(said).not.toContain('rotating');
    await sign(request, 'approve');
    expect(await exit).toBe(0);
    expect(said).toContain('rotating payments/api\nThe key is rotated.\n');
  });
});
