import type { ToolApprovalRequestOutput, ToolApprovalResponse, ToolExecutionOptions, ToolSet } from 'ai';
import { type ActionGate, explainRefusal, needsPeople, type Proposal, type ToolCall } from './action-gate';
import { isJsonObject } from './json-object';

/**
 * Returns the tools of a Vercel AI SDK agent, with the gated ones behind the gate. `needsApproval` proposes the call, and
 * `execute` runs only after its token was used. Approval responses in the messages have no effect.
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
    needsApproval: async (input: unknown, { toolCallId }: { readonly toolCallId: string }) =>
      // The SDK asks again after an answer, so this says whether people decide at all, not whether they have decided.
      needsPeople(gate, callOf(name, toolCallId, input)),
    execute: (input: unknown, options: ToolExecutionOptions) =>
      gate.execute(callOf(name, options.toolCallId, input), async () =>
        lastOf(await execute(input, options)),
      ),
  };
}

/** Returns the last result of a tool that yields preliminary ones. */
async function lastOf(result: unknown): Promise<unknown> {
  if (!isAsyncIterable(result)) return result;
  let last: unknown;
  for await (const one of result) last = one;
  return last;
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * Answers the approval requests of a result by the people's decisions, waiting up to `withinMs` for them. Undecided requests
 * have no answer yet; call it again.
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

/** @throws TypeError if the input is not a JSON object, because it could not be proposed exactly and bound to an approval */
function callOf(tool: string, id: string, input: unknown): ToolCall {
  if (!isJsonObject(input))
    throw new TypeError(`the input of ${tool} is not a JSON object, so it cannot be gated`);
  return { id, tool, arguments: input };
}
