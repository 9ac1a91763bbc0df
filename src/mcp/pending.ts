import {
  type CallToolResult,
  type InputRequiredResult,
  inputRequired,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { sayQuorum } from '../contracts/progress';
import type { RequestStanding } from '../enforcement/requester';
import { describeStanding, toolResult } from './answers';
import { abilitiesAtStart, abilitiesInCall } from './client-abilities';
import { taskOf } from './tasks';

export type ToolAnswer = CallToolResult | InputRequiredResult;

/** How long a client of the older protocol has to show the page to its user. The request waits for people whatever it answers. */
const SHOWS_WITHIN_MS = 45_000;

/** One call of a tool, and what its client can do with a request that waits for people. */
export interface Call {
  readonly server: McpServer;
  readonly ctx: ServerContext;
  readonly isModern: boolean;
  /** Where the gateway serves its pages, if it does. */
  readonly pagesAt: string | undefined;
}

/**
 * Answers with the status of a request. If people have to decide it, a client that can show an address is first given the
 * request's page, and a client that knows tasks is given one to follow. What the client says about the page decides nothing.
 */
export async function answerPending(
  standing: RequestStanding,
  call: Call,
  offersPage: boolean,
): Promise<ToolAnswer> {
  if (standing.status !== 'awaiting_approval') return toolResult(describeStanding(standing));
  const { ctx, server, isModern } = call;
  const able = isModern ? abilitiesInCall(ctx) : abilitiesAtStart(server.server.getClientCapabilities());
  const page = call.pagesAt === undefined ? undefined : pageOf(standing, call.pagesAt);
  if (offersPage && page !== undefined && able.urls) {
    if (isModern)
      return inputRequired({
        inputRequests: { page: inputRequired.elicitUrl(page) },
        requestState: standing.request.id,
      });
    await showPage(call, page, standing.request.id);
  }
  return able.tasks
    ? { ...taskOf(standing), content: [], resultType: 'task' }
    : // Whoever cannot be shown an address, or does not say so, can tell it to the people they work for.
      toolResult({ ...(page && { page: page.url }), ...describeStanding(standing) });
}

function pageOf({ request, quorum }: RequestStanding, pagesAt: string) {
  const who = quorum === undefined ? '' : ` (${sayQuorum(quorum)})`;
  return {
    url: `${pagesAt}/requests/${encodeURIComponent(request.id)}`,
    message: `People decide this request${who}. Its page shows what will happen, and those who may decide can do it there. Opening it decides nothing.`,
  };
}

async function showPage({ ctx }: Call, page: ReturnType<typeof pageOf>, elicitationId: string) {
  const options = { timeout: SHOWS_WITHIN_MS, signal: ctx.mcpReq.signal };
  // A client that fails here is told where the request stands like any other.
  await ctx.mcpReq.elicitInput({ mode: 'url', ...page, elicitationId }, options).catch(() => undefined);
}
