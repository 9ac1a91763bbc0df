import type { ToolApprovalRequestOutput, ToolApprovalResponse, ToolExecutionOptions, ToolSet } from 'ai';
import { type ActionGate, explainRefusal, type Proposal, type ToolCall } from './action-gate';
import { isJsonObject } from './json-object';

/**
 * The tools of a Vercel AI SDK agent, with the gated ones behind the gate. `needsApproval` proposes the call, and `execute`
 * runs only with its used token, whatever approval response stands in the messages.
 */
export function gatedTools<TOOLS extends ToolSet>(gate: ActionGate, tools: TOOLS): TOOLS {
  const gated = Object.entries(tools).map(([name, tool]) => [
    name,
    gate.isGated(name) ? gatedTool(gate, name, tool) : tool,
  ]);
  return Object.fromEntries(gated);
}

type AnyTool = ToolSet[string];

function gatedTool(gate: ActionGate, name: string, tool: AnyTool): AnyTool {
  const { execute } = tool;
  if (execute === undefined) throw new TypeError(`${name} has nothing to execute, so it cannot be gated`);
  return {
    ...tool,
    needsApproval: async (given: unknown, { toolCallId }: { readonly toolCallId: string }) =>
      // The SDK asks again when an answer has come, so this says whether people have a say, not whether they have spoken.
      !(await gate.propose(callOf(name, toolCallId, given))).byPolicy,
    execute: (given: unknown, options: ToolExecutionOptions) =>
      gate.execute(callOf(name, options.toolCallId, given), async () =>
        lastOf(await execute(given, options)),
      ),
  };
}

/** A tool that yields preliminary results is done with its last one. */
async function lastOf(result: unknown): Promise<unknown> {
  if (!isAsyncIterable(result)) return result;
  let last: unknown;
  for await (const one of result) last = one;
  return last;
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * Answers the approval requests of a result by what people have decided, waiting for them so long. What is not decided by
 * then has no answer yet; ask again.
 */
export async function answerApprovals(
  gate: ActionGate,
  content: readonly { readonly type: string }[],
  { withinMs, signal }: { readonly withinMs: number; readonly signal?: AbortSignal },
): Promise<readonly ToolApprovalResponse[]> {
  const answers = await Promise.all(
    content.filter(isApprovalRequest).map(async ({ approvalId, toolCall }) => {
      const call = callOf(toolCall.toolName, toolCall.toolCallId, toolCall.input);
      return answerOf(approvalId, await gate.wait(call, withinMs, signal));
    }),
  );
  return answers.flatMap((answer) => answer ?? []);
}

function answerOf(approvalId: string, proposal: Proposal): ToolApprovalResponse | undefined {
  if (proposal.state === 'pending') return undefined;
  const approved = proposal.state === 'approved';
  const about = { type: 'tool-approval-response' as const, approvalId, approved };
  return approved ? about : { ...about, reason: explainRefusal(proposal) };
}

const isApprovalRequest = (part: { readonly type: string }): part is ToolApprovalRequestOutput<ToolSet> =>
  part.type === 'tool-approval-request';

/** @throws TypeError where the input is not an object of JSON: it could not be proposed as it is, nor bound to an approval */
function callOf(tool: string, id: string, given: unknown): ToolCall {
  if (!isJsonObject(given))
    throw new TypeError(`the input of ${tool} is no JSON object, so it cannot be gated`);
  return { id, tool, arguments: given };
}
