import { type ActionGate, NotExecuted, needsPeople, type ToolCall } from './action-gate';
import { isJsonObject } from './json-object';

/** A function tool of the OpenAI Agents SDK, as far as it is read here. */
interface FunctionTool<CONTEXT, INPUT, DETAILS, RESULT> {
  readonly name: string;
  readonly needsApproval: (context: never, input: INPUT, callId?: string) => Promise<boolean>;
  readonly invoke: (context: CONTEXT, input: string, details?: DETAILS) => Promise<RESULT>;
}

interface Details {
  readonly toolCall?: { readonly callId: string };
}

/**
 * Returns a function tool of the OpenAI Agents SDK behind the gate, or the tool itself if it is not gated. The run pauses (an
 * interruption) if people decide the call, and the tool runs only after its token was used. Approving the interruption has no effect of
 * its own, so approve it once `gate.wait` says that people have.
 */
export function gatedTool<
  CONTEXT,
  INPUT,
  DETAILS extends Details,
  RESULT,
  TOOL extends FunctionTool<CONTEXT, INPUT, DETAILS, RESULT>,
>(gate: ActionGate, tool: TOOL & FunctionTool<CONTEXT, INPUT, DETAILS, RESULT>): TOOL {
  const { name, invoke } = tool;
  if (!gate.isGated(name)) return tool;
  return {
    ...tool,
    needsApproval: (_context: never, input: INPUT, callId = '') =>
      needsPeople(gate, callOf(name, callId, input)),
    invoke: async (context: CONTEXT, input: string, details?: DETAILS) => {
      const call = callOf(name, details?.toolCall?.callId ?? '', JSON.parse(input));
      try {
        return await gate.execute(call, () => invoke(context, input, details));
      } catch (error) {
        // The model reads it.
        if (error instanceof NotExecuted) return error.message;
        throw error;
      }
    },
  };
}

/** @throws TypeError if the input is not a JSON object, because it could not be bound to an approval */
function callOf(tool: string, id: string, input: unknown): ToolCall {
  if (!isJsonObject(input))
    throw new TypeError(`the input of ${tool} is not a JSON object, so it cannot be gated`);
  return { id, tool, arguments: input };
}
