import { randomUUID } from 'node:crypto';
import { type CallToolResult, McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { ZodError, z } from 'zod';
import {
  entitlementText,
  foreignName,
  identifier,
  label,
  line,
  namedEntitlement,
  paragraph,
  requestId,
} from '../contracts/request';
import { LIMITS } from '../domain/limits';
import type { PrincipalId } from '../domain/principal';
import { GatewayError } from '../enforcement/gateway-error';
import type { Ask, Requester } from '../enforcement/requester';
import { type Answer, failure, toolResult } from './answers';
import { type Execution, executionTools } from './execution-tools';
import { answerPending, type Call, type ToolAnswer } from './pending';
import { addTasks } from './tasks';
import { waitForChange } from './wait';

const INSTRUCTIONS = `Use this server, and nothing else, to ask for access and changes to protected systems.
Begin with list_requestable. For access, call request_access; for one exact action (a migration, a rotation), call propose_action.
Then call wait. People approve with their own keys, never here and never you: do not look for another way, and do
not split or reword a refused request. Each answer says in "next" what to do, and in "safe_way" what you can do instead of something
that is not allowed. Give access back with give_back as soon as you are done.`;

const entitlement = entitlementText.describe('connector:resource#action, as list_requestable names it');
const common = z.object({
  entitlement,
  minutes: z
    .number()
    .positive()
    .max(43_200)
    .describe('the longest time that you need; shorter times are decided faster'),
  reason: line(LIMITS.reasonCharacters).describe('why, in plain words, on one line; the approvers read it'),
  ticket: label(LIMITS.ticketCharacters).optional(),
  emergency_condition: identifier.optional().describe('only in a declared emergency; a review follows'),
});
const id = requestId.describe('id of the request');

export interface ServerOptions {
  /** The identity that the requester acts as. */
  readonly principal: PrincipalId;
  readonly version: string;
  readonly execution: Execution;
  /** The protocol that this instance serves: `modern` from 2026-07-28 on, each call by itself; `legacy` before, after a handshake. */
  readonly era: 'legacy' | 'modern';
  /** Where the gateway serves its pages, if it does. */
  readonly pagesAt?: string | undefined;
}

/**
 * Creates the MCP server for AI agents. Every tool acts as one identity, which asks, waits, uses what it
 * was given and gives it back. No tool can approve anything.
 */
export function createMcpServer(
  agent: Requester,
  { principal, version, execution, era, pagesAt }: ServerOptions,
): McpServer {
  const server = new McpServer(
    { name: 'countersign', title: `Countersign, as ${principal}`, version },
    {
      instructions: INSTRUCTIONS,
      // The tools of one identity do not change while it is served.
      capabilities: { tools: { listChanged: false } },
      // Comes back through the client, so it may only name a request, which the gateway shows to its requester alone.
      requestState: { verify: (state) => requestId.parse(state) },
    },
  );
  const isModern = era === 'modern';
  const callOf = (ctx: ServerContext): Call => ({ server, ctx, isModern, pagesAt });
  server.registerTool(
    'list_requestable',
    {
      description: `List what ${principal} can ask for now, who decides it (decided_by) and the longest it lasts (longest_ms); and what is never given, with the safe way instead.`,
      inputSchema: z.object({ search: z.string().max(200).optional().describe('words that must occur') }),
      annotations: { readOnlyHint: true },
    },
    ({ search }) => answering(() => list(agent, search)),
  );
  server.registerTool(
    'request_access',
    {
      description:
        'Ask for access for a limited time. Policy may grant it at once; otherwise it waits for people.',
      inputSchema: common,
    },
    (input, ctx) =>
      beginning(agent, callOf(ctx), () => {
        const { emergency_condition: emergencyCondition, entitlement: name, ...rest } = input;
        return { ...rest, emergencyCondition, entitlement: namedEntitlement.parse(name) };
      }),
  );
  server.registerTool(
    'propose_action',
    {
      description:
        'Propose one exact action (tool, target, arguments). Nothing happens until a person has authorised exactly this; then it can be executed once.',
      inputSchema: common.extend({
        tool: foreignName,
        tool_version: foreignName.default('1'),
        target: foreignName,
        arguments: z.record(z.string(), z.json()).describe('exactly what will be executed'),
        containment: paragraph(LIMITS.reasonCharacters).describe('how to limit the harm if it goes wrong'),
        rollback: paragraph(LIMITS.reasonCharacters).describe('how to undo it'),
      }),
    },
    (input, ctx) =>
      beginning(agent, callOf(ctx), () => {
        const { tool, target, containment, rollback, reason, minutes, ticket } = input;
        const parameters = { tool, toolVersion: input.tool_version, target, arguments: input.arguments };
        return {
          ...{ entitlement: namedEntitlement.parse(input.entitlement), minutes, reason, ticket },
          emergencyCondition: input.emergency_condition,
          action: { parameters, containment, rollback },
        };
      }),
  );
  server.registerTool(
    'wait',
    {
      description:
        'Return the status of a request. Waits for a while until it is decided; call it again if it is not.',
      inputSchema: z.object({ request: id, seconds: z.number().int().min(0).max(50).default(20) }),
      annotations: { readOnlyHint: true },
    },
    ({ request, seconds }, ctx) =>
      settling(async () => {
        const standing = await waitForChange(agent, request, seconds * 1_000, ctx.mcpReq.signal);
        return answerPending(standing, callOf(ctx), false);
      }),
  );
  server.registerTool(
    'give_back',
    {
      description: 'End your own request: give access back, or withdraw a pending request.',
      inputSchema: z.object({ request: id }),
    },
    ({ request }) => answering(() => giveBack(agent, request)),
  );
  executionTools(server, agent, execution, answering);
  // The older protocol had other tasks, which its successor withdrew.
  if (isModern) addTasks(server, agent);
  return server;
}

/** Runs a tool. Converts an error to an answer that says what to do, without internals. */
const answering = (work: () => Promise<Answer>): Promise<CallToolResult> =>
  work().then((answer) => toolResult(answer), failure);

const settling = (work: () => Promise<ToolAnswer>): Promise<ToolAnswer> => work().catch(failure);

async function list(agent: Requester, search = ''): Promise<Answer> {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const all = await agent.requestable();
  const found = all.filter((one) => {
    const about = `${one.entitlement} ${one.title}`.toLowerCase();
    return words.every((word) => about.includes(word));
  });
  return {
    requestable: found.filter(({ answer }) => answer !== 'never'),
    never: found.filter(({ answer }) => answer === 'never'),
    next:
      found.length > 0
        ? 'Ask for what you need and no more: request_access for kind "access", propose_action for kind "execution".'
        : 'Nothing matches. Search with other words, or without any to see everything.',
  };
}

/**
 * Submits what was asked and answers how it stands. A client that was shown the request's page calls again with the id of the
 * request as state, and nothing is submitted a second time.
 */
const beginning = (agent: Requester, call: Call, asked: () => Ask): Promise<ToolAnswer> =>
  settling(async () => {
    const earlier = call.ctx.mcpReq.requestState<string>();
    return earlier === undefined
      ? begin(agent, call, asked())
      : answerPending(await agent.look(earlier), call, false);
  });

/**
 * Submits a request and looks at it once. A moment is enough if policy decides alone; otherwise the agent calls `wait`. The id is
 * chosen here, so that the agent has it even if the answer is lost.
 */
async function begin(agent: Requester, call: Call, asked: Ask): Promise<ToolAnswer> {
  const request = randomUUID();
  try {
    await agent.ask({ ...asked, id: request });
  } catch (error) {
    const isRefused = error instanceof ZodError || (error instanceof GatewayError && isOurFault(error));
    if (isRefused) throw error;
    const next =
      'The request may have been submitted. Call wait with this id, and ask again only if there is no such request.';
    return toolResult({ request, status: 'unknown', next });
  }
  try {
    return await answerPending(await waitForChange(agent, request, 5_000), call, true);
  } catch {
    const next = 'It was submitted. Call wait to see its status.';
    return toolResult({ request, status: 'submitted', next });
  }
}

/** Returns true if the gateway refused the request. After any other error it may have accepted it. */
const isOurFault = ({ status }: GatewayError): boolean => status >= 400 && status < 500;

async function giveBack(agent: Requester, request: string): Promise<Answer> {
  const { accepted, refusal, status } = await agent.giveBack(request);
  return {
    request,
    accepted,
    status,
    ...(refusal && { refusal }),
    next: accepted ? 'It is being ended. If you need it again, ask again.' : 'There is nothing to end.',
  };
}
