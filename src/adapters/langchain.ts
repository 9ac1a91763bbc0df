import { interrupt } from '@langchain/langgraph';
import { createMiddleware, ToolMessage } from 'langchain';
import { type ActionGate, explainRefusal, NotExecuted, type ToolCall } from './action-gate';

/** What a paused graph waits for. When it is resumed, with any value, it looks up the status of the request itself. */
export interface AwaitedApproval {
  readonly request: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly awaiting: readonly string[];
}

/**
 * Middleware for LangChain agents. A gated tool call is proposed, the graph pauses (LangGraph `interrupt`, so a checkpointer
 * is needed) until people have decided, and the tool runs only after its token was used.
 */
export function approvalMiddleware(gate: ActionGate) {
  return createMiddleware({
    name: 'CountersignApproval',
    wrapToolCall: async (request, handler) => {
      const { name, args, id = '' } = request.toolCall;
      if (!gate.isGated(name)) return handler(request);
      const call: ToolCall = { id, tool: name, arguments: args };
      const refuse = (content: string) =>
        new ToolMessage({ content, name, tool_call_id: id, status: 'error' });
      try {
        for (;;) {
          const proposal = await gate.propose(call);
          if (proposal.state === 'refused') return refuse(explainRefusal(proposal));
          if (proposal.state === 'approved') break;
          const { request: awaited, awaiting } = proposal;
          interrupt<AwaitedApproval>({ request: awaited, tool: name, arguments: args, awaiting });
        }
        return await gate.execute(call, () => handler(request), isThrown);
      } catch (error) {
        if (error instanceof NotExecuted) return refuse(error.message);
        throw error;
      }
    },
  });
}

/** LangChain turns an error of a tool into a message, which says as little about what was done as the error. */
const isThrown = (result: unknown): boolean => result instanceof ToolMessage && result.status === 'error';
