import { type ActionGate, explainRefusal, NotExecuted, type ToolCall } from './action-gate';
import { isJsonObject } from './json-object';

/** What a hook of the Claude Agent SDK is given about a tool, as far as it is read here. */
export interface ToolHookInput {
  readonly hook_event_name: string;
  readonly tool_name?: string;
  readonly tool_input?: unknown;
  readonly tool_use_id?: string;
}

type Answer =
  | Record<string, never>
  | {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse';
        permissionDecision: 'allow' | 'deny';
        permissionDecisionReason: string;
        updatedInput?: Record<string, unknown>;
      };
    };
type Hook = (
  input: ToolHookInput,
  toolUseId: string | undefined,
  about: { readonly signal: AbortSignal },
) => Promise<Answer>;

/** Calls that were allowed and have not ended. A program that kills its tools leaves some. */
const MOST_BEGUN = 1_000;

/**
 * Returns hooks for the Claude Agent SDK (`options.hooks`). A gated tool is denied until people or policy have approved exactly this call;
 * then its approval is used up and it is allowed, once, with the approved input. The same call in one conversation is the same request, so
 * calling again is how the model waits on.
 *
 * @param withinMs how long a call waits for people before it is denied for now; keep it below the `timeout` of the hook
 */
export function claudeHooks(gate: ActionGate, { withinMs }: { readonly withinMs: number }) {
  const begun = new Map<string, ToolCall>();
  const before: Hook = async (
    { tool_name: tool = '', tool_input: input, tool_use_id: id },
    _,
    { signal },
  ) => {
    if (!gate.isGated(tool)) return {};
    if (!isJsonObject(input)) return denied('Its input is not a JSON object, so nobody can approve it.');
    const call = { id: '', tool, arguments: input };
    try {
      const first = await gate.propose(call);
      const proposal = first.state === 'pending' ? await gate.wait(call, withinMs, signal) : first;
      if (proposal.state === 'refused') return denied(explainRefusal(proposal));
      if (proposal.state === 'pending')
        return denied(
          `It was not run yet. It waits for ${proposal.awaiting.join(', ')}. Call it again with exactly the same input to wait on.`,
        );
      await gate.begin(call);
    } catch (error) {
      // Whatever goes wrong, the tool does not run.
      return denied(error instanceof NotExecuted ? error.message : 'Countersign cannot be reached.');
    }
    const [oldest] = begun.keys();
    if (begun.size >= MOST_BEGUN && oldest !== undefined) begun.delete(oldest);
    if (id !== undefined) begun.set(id, call);
    return {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'allow',
        permissionDecisionReason: 'Exactly this call was approved.',
        updatedInput: { ...input },
      },
    };
  };
  const after: Hook = async ({ hook_event_name: event, tool_use_id: id = '' }) => {
    const call = begun.get(id);
    begun.delete(id);
    if (call !== undefined) await gate.ended(call, event === 'PostToolUse' ? 'succeeded' : 'unknown');
    return {};
  };
  return {
    PreToolUse: [{ hooks: [before] }],
    PostToolUse: [{ hooks: [after] }],
    PostToolUseFailure: [{ hooks: [after] }],
  };
}

const denied = (permissionDecisionReason: string): Answer => ({
  hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: 'deny', permissionDecisionReason },
});
