import { Command, MemorySaver } from '@langchain/langgraph';
import { generateText, stepCountIs, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { AIMessage, createAgent, fakeModel, tool as langchainTool } from 'langchain';
import { z } from 'zod';
import { ActionGate, type ActionTerms } from '../../../src/adapters/action-gate';
import { answerApprovals, gatedTools } from '../../../src/adapters/ai-sdk';
import { catalogActions } from '../../../src/adapters/catalog-actions';
import { claudeHooks } from '../../../src/adapters/claude-agent-sdk';
import { approvalMiddleware } from '../../../src/adapters/langchain';
import { byKey, Requester } from '../../../src/enforcement';
import { readKeyFile } from '../../../src/signing/keys';
import { GateStack } from '../gate/support';

/* The hooks of frameworks, with the tools as the catalog maps them for `countersign gate`. Their models are their own fake ones. The OpenAI Agents SDK is in test/foreign. */

jest.setTimeout(180_000);

let stack: GateStack;
let actions: Readonly<Record<string, ActionTerms>>;
beforeAll(async () => {
  stack = await GateStack.start();
  actions = await catalogActions(stack.bundle, 'payments');
}, 180_000);
afterAll(() => stack?.stop());

const paid: number[] = [];
beforeEach(() => paid.splice(0));
const pay = async ({ amount }: { amount: number }) => {
  paid.push(amount);
  return `paid ${amount}`;
};
const schema = z.object({ to: z.string(), amount: z.number(), currency: z.string() });
const payment = (amount: number) => ({ to: 'ACME', amount, currency: 'EUR' });
const description = 'Pay somebody.';

async function gateOf(conversation: string, terms = actions): Promise<ActionGate> {
  const as = async (principal: 'agent/atlas' | 'service/gate') =>
    Requester.at({
      gateway: stack.url,
      credential: byKey(principal, await readKeyFile(stack.keyFile(principal)), stack.url),
    });
  return new ActionGate({
    ...{ agent: await as('agent/atlas'), executor: await as('service/gate') },
    ...{ actions: terms, conversation },
  });
}

/** Two people sign, once they have seen the words of the catalog. */
async function approve(request: string, amount: number): Promise<void> {
  expect((await stack.seen('person/helen', request)).request).toMatchObject({
    entitlement: { connector: 'tools', resource: 'payments', action: 'pay' },
    reason: `The agent wants to pay ${amount} EUR to ACME`,
    rollback: `Ask ACME to return ${amount} EUR.`,
    parameters: { tool: expect.stringMatching(/send_payment$/), target: 'ACME', arguments: payment(amount) },
  });
  await stack.sign('person/helen', request);
  await stack.sign('person/tomas', request);
}

describe('GAT-1 AGE-1 AGE-2 FRI-2 small sums pass and large ones wait for two people, by the mapping of the catalog', () => {
  test('Vercel AI SDK', async () => {
    const gate = await gateOf('ai');
    const tools = gatedTools(gate, {
      send_payment: tool({ description, inputSchema: schema, execute: pay }),
    });
    const usage = {
      inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 1, text: 1, reasoning: 0 },
    };
    const call = (id: string, amount: number) => ({
      content: [
        {
          ...{ type: 'tool-call' as const, toolCallId: id, toolName: 'send_payment' },
          input: JSON.stringify(payment(amount)),
        },
      ],
      ...{ finishReason: { unified: 'tool-calls' as const, raw: undefined }, usage, warnings: [] },
    });
    const model = new MockLanguageModelV3({ doGenerate: [call('1', 20), call('2', 201)] });
    const { content } = await generateText({
      ...{ model, tools, stopWhen: stepCountIs(2) },
      messages: [{ role: 'user', content: 'pay' }],
    });
    expect(paid).toEqual([20]);
    const big = { id: '2', tool: 'send_payment', arguments: payment(201) };
    await approve((await gate.propose(big)).request, 201);
    expect(await answerApprovals(gate, content, { withinMs: 60_000 })).toMatchObject([{ approved: true }]);
    await gate.execute(big, () => pay({ amount: 201 }));
    expect(paid).toEqual([20, 201]);
  });

  test('LangChain', async () => {
    const gate = await gateOf('lc');
    const model = fakeModel()
      .respondWithTools([{ name: 'send_payment', args: payment(21), id: '1' }])
      .respondWithTools([{ name: 'send_payment', args: payment(202), id: '2' }])
      .respond(new AIMessage('done'));
    const agent = createAgent({
      model,
      tools: [langchainTool(pay, { name: 'send_payment', description, schema })],
      middleware: [approvalMiddleware(gate)],
      checkpointer: new MemorySaver(),
    });
    const config = { configurable: { thread_id: 'lc' } };
    await agent.invoke({ messages: [{ role: 'user', content: 'pay' }] }, config);
    expect(paid).toEqual([21]);
    const big = { id: '2', tool: 'send_payment', arguments: payment(202) };
    await approve((await gate.propose(big)).request, 202);
    expect(await gate.wait(big, 60_000)).toMatchObject({ state: 'approved' });
    await agent.invoke(new Command({ resume: 'look again' }), config);
    expect(paid).toEqual([21, 202]);
  });

  test('hooks of the Claude Agent SDK', async () => {
    const tools = await catalogActions(stack.bundle, 'payments', 'mcp__payments__');
    const hooks = claudeHooks(await gateOf('cl', tools), { withinMs: 500 });
    const { signal } = new AbortController();
    /** As the program of the SDK does: it asks the hook, calls the tool if it may, and tells what became of it. */
    const use = async (id: string, amount: number, tool_name = 'mcp__payments__send_payment') => {
      const about = { tool_name, tool_input: payment(amount), tool_use_id: id };
      const [before] = hooks.PreToolUse.flatMap((one) => one.hooks);
      const [after] = hooks.PostToolUse.flatMap((one) => one.hooks);
      const said = await before?.({ hook_event_name: 'PreToolUse', ...about }, id, { signal });
      const { permissionDecision, permissionDecisionReason: why } = said?.hookSpecificOutput ?? {};
      if (permissionDecision === 'allow') {
        await pay({ amount });
        await after?.({ hook_event_name: 'PostToolUse', ...about }, id, { signal });
      }
      return { permissionDecision, why };
    };
    expect(await use('1', 23)).toMatchObject({ permissionDecision: 'allow' });
    expect(await use('2', 204)).toMatchObject({
      permissionDecision: 'deny',
      why: expect.stringMatching(/not run yet\. It waits for person\/helen, person\/tomas/),
    });
    const asker = await gateOf('cl', tools);
    const big = { id: '', tool: 'mcp__payments__send_payment', arguments: payment(204) };
    const { request } = await asker.propose(big);
    await approve(request, 204);
    await asker.wait(big, 60_000);
    expect(await use('3', 204)).toMatchObject({ permissionDecision: 'allow' });
    expect(await use('4', 204)).toMatchObject({ permissionDecision: 'deny' });
    expect(await use('5', 1, 'Read')).toEqual({ permissionDecision: undefined, why: undefined });
    expect(paid).toEqual([23, 204]);
  });

  test('APB-7 what policy refuses, and an argument that is missing from a text, does not run', async () => {
    const gate = await gateOf('no');
    const dollars = { id: '1', tool: 'send_payment', arguments: { ...payment(1), currency: 'USD' } };
    expect(await gate.propose(dollars)).toMatchObject({ state: 'refused' });
    const nobody = { id: '2', tool: 'send_payment', arguments: { amount: 1, currency: 'EUR' } };
    for (const attempt of [gate.propose(nobody), gate.execute(nobody, () => pay({ amount: 1 }))])
      await expect(attempt).rejects.toMatchObject({ code: 'ARGUMENTS_NOT_AS_DECLARED' });
    await expect(catalogActions(stack.bundle, 'nobody')).rejects.toThrow(/maps no tools of nobody/);
    expect(paid).toEqual([]);
  });
});
