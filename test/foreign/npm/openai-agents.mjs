// An agent of the OpenAI Agents SDK whose payments stand behind the gate. Its model is a script: a small payment, then a large one. Says on
// stdout which request waits, goes on once people have approved it, and prints what was paid and said.
import { createRequire } from 'node:module';
import { Agent, Runner, setTracingDisabled, tool, Usage } from '@openai/agents-core';
import { z } from 'zod';

const { dist, url, bundle, keys } = JSON.parse(process.argv[2]);
const product = (name) => createRequire(import.meta.url)(`${dist}/${name}.js`);
const { ActionGate } = product('adapters/action-gate');
const { catalogActions } = product('adapters/catalog-actions');
const { gatedTool } = product('adapters/openai-agents');
const { byKey, Requester } = product('enforcement/index');
const { readKeyFile } = product('signing/keys');
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const as = async (principal) =>
  Requester.at({ gateway: url, credential: byKey(principal, await readKeyFile(keys[principal]), url) });
const gate = new ActionGate({
  agent: await as('agent/atlas'),
  executor: await as('service/gate'),
  actions: await catalogActions(bundle, 'payments'),
  conversation: 'openai',
});

const payment = (amount) => ({ to: 'ACME', amount, currency: 'EUR' });
const call = (callId, amount) => ({
  type: 'function_call',
  callId,
  name: 'send_payment',
  status: 'completed',
  arguments: JSON.stringify(payment(amount)),
});
const turns = [
  call('1', 22),
  call('2', 203),
  {
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'done' }],
  },
];
const model = { getResponse: async () => ({ usage: new Usage(), output: [turns.shift()] }) };
const paid = [];
const pay = tool({
  name: 'send_payment',
  description: 'Pay somebody.',
  parameters: z.object({ to: z.string(), amount: z.number(), currency: z.string() }),
  execute: async ({ amount }) => {
    paid.push(amount);
    return 'paid';
  },
});

setTracingDisabled(true);
const agent = new Agent({ name: 'payer', model, tools: [gatedTool(gate, pay)] });
const runner = new Runner();
const first = await runner.run(agent, 'pay');
const big = { id: '2', tool: 'send_payment', arguments: payment(203) };
const { request } = await gate.propose(big);
// Whoever runs the agent says yes before people have: the model is told that nothing ran.
const early = await gate.execute(big, () => paid.push('early')).catch(({ name }) => name);
say({ request, early, interruptions: first.interruptions.length, paid });
await gate.wait(big, 120_000);
first.state.approve(first.interruptions[0]);
const second = await runner.run(agent, first.state);
say({ said: second.finalOutput, paid });
