// An agent of the Vercel AI SDK whose tool runs only once people have signed for exactly this call.
//   node bin/countersign.js up --http-port 8080        in one terminal
//   node examples/vercel-ai-sdk.mjs [GATEWAY] [STATE_DIR]   in another
// The model is the SDK's mock, so that nothing is needed but this; put your own in its place.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { generateText, tool } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { z } from 'zod';
import { gateFor, rotate, sayAwaited } from './gate.mjs';

const { answerApprovals, gatedTools } = createRequire(import.meta.url)('../dist/src/adapters/ai-sdk.js');

const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
const answer = (content, unified) => ({ content, finishReason: { unified }, usage, warnings: [] });
const input = JSON.stringify({ path: 'payments/api' });
const model = new MockLanguageModelV3({
  doGenerate: [
    answer([{ type: 'tool-call', toolCallId: 'call-1', toolName: 'rotate', input }], 'tool-calls'),
    answer([{ type: 'text', text: 'The key is rotated.' }], 'stop'),
  ],
});

const gate = await gateFor(randomUUID());
const tools = gatedTools(gate, {
  rotate: tool({ inputSchema: z.object({ path: z.string() }), execute: rotate }),
});
const messages = [{ role: 'user', content: 'rotate the key of the payments service' }];

const first = await generateText({ model, tools, messages });
messages.push(...first.response.messages);
for (const part of first.content)
  if (part.type === 'tool-approval-request') {
    const { toolCallId: id, toolName, input: given } = part.toolCall;
    sayAwaited(await gate.propose({ id, tool: toolName, arguments: given }));
  }
const answers = await answerApprovals(gate, first.content, { withinMs: 600_000 });
messages.push({ role: 'tool', content: [...answers] });
const second = await generateText({ model, tools, messages });
process.stdout.write(`${second.text}\n`);
