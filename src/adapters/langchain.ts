import { interrupt } from '@langchain/langgraph';
import { createMiddleware, ToolMessage } from 'langchain';
import { type ActionGate, explainRefusal, NotExecuted, type ToolCall } from './action-gate';

/** What a paused graph says it waits for. Whatever it is resumed with, it looks for itself how the request stands. */
export interface AwaitedApproval {
  readonly request: string;
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly awaiting: readonly string[];
}

/**
 * Middleware for LangChain agents: a gated tool call is proposed, the graph pauses (LangGraph `interrupt`, so a checkpointer
 * is needed) until people have decided, and the tool runs only with its used token.
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
      for (;;) {
        const proposal = await gate.propose(call);
        if (proposal.state === 'refused') return refuse(explainRefusal(proposal));
        if (proposal.state === 'approved') break;
        const { request: awaited, awaiting } = proposal;
        interrupt<AwaitedApproval>({ request: awaited, tool: name, arguments: args, awaiting });
      }
      try {
        return await gate.execute(call, () => handler(request), isThrown);
      } catch (error) {
        if (error instanceof NotExecuted) return refuse(error.message);
        throw error;
      }
    },
  });
}

/** LangChain turns what a tool throws into a message, which says no more of what was done than the error did. */
const isThrown = (result: unknown): boolean => result instanceof ToolMessage && result.status === 'error';
