// A LangChain agent whose tool runs only once people have signed for exactly this call.
//   node bin/countersign.js up --http-port 8080     in one terminal
//   node examples/langchain.mjs [GATEWAY] [STATE_DIR]    in another
// The model is LangChain's fake one, so that nothing is needed but this; put your own in its place.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { Command, MemorySaver } from '@langchain/langgraph';
import { AIMessage, createAgent, fakeModel, tool } from 'langchain';
import { z } from 'zod';
import { gateFor, rotate, sayAwaited } from './gate.mjs';

const { approvalMiddleware } = createRequire(import.meta.url)('../dist/src/adapters/langchain.js');

const thread = randomUUID();
const gate = await gateFor(thread);
const agent = createAgent({
  model: fakeModel()
    .respondWithTools([{ name: 'rotate', args: { path: 'payments/api' }, id: 'call-1' }])
    .respond(new AIMessage('The key is rotated.')),
  tools: [
    tool(rotate, {
      name: 'rotate',
      description: 'rotates a secret',
      schema: z.object({ path: z.string() }),
    }),
  ],
  middleware: [approvalMiddleware(gate)],
  // Of your own and durable: a pause may last for days.
  checkpointer: new MemorySaver(),
});
const config = { configurable: { thread_id: thread } };

let result = await agent.invoke({ messages: [{ role: 'user', content: 'rotate the key' }] }, config);
while (result.__interrupt__ !== undefined) {
  const [{ value }] = result.__interrupt__;
  sayAwaited(value);
  await gate.wait({ id: 'call-1', tool: value.tool, arguments: value.arguments }, 600_000);
  result = await agent.invoke(new Command({ resume: 'look again' }), config);
}
process.stdout.write(`${result.messages.at(-1).content}\n`);
