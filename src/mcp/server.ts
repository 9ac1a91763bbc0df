import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { ZodError, z } from 'zod';
import { identifier, line, paragraph, requestId } from '../contracts/request';
import { LIMITS } from '../domain/limits';
import type { PrincipalId } from '../domain/principal';
import { GatewayError } from '../enforcement/gateway-error';
import type { Ask, Requester } from '../enforcement/requester';
import { type Answer, describeStanding, failure, toolResult } from './answers';
import { type Execution, executionTools } from './execution-tools';
import { waitForChange } from './wait';

const INSTRUCTIONS = `Access and changes to protected systems are asked for here, and nowhere else.
Begin with list_requestable. For access, call request_access; for one exact action (a migration, a rotation), call propose_action.
Then call wait. Approval is given by people with their own keys, never here and never by you: do not look for another way, and do
not split or reword what was refused. Each answer says in "next" what to do, and in "safe_way" what is offered in place of what is
not allowed. Give back access with give_back as soon as you are done.`;

const entitlement = z
  .string()
  .max(400)
  .regex(/^[^:#]+:[^:#]+#[^#]+$/, 'is not of the form connector:resource#action')
  .describe('connector:resource#action, as list_requestable names it');
const common = {
  entitlement,
  minutes: z.number().positive().max(43_200).describe('for how long at most; shorter is decided faster'),
  reason: line(LIMITS.reasonCharacters).describe('why, in plain words, on one line; the approvers read it'),
  ticket: line(LIMITS.ticketCharacters).optional(),
  emergency_condition: identifier.optional().describe('only in a declared emergency; a review follows'),
};
const id = requestId.describe('id of the request');

export interface ServerOptions {
  /** Whom the requester acts as. */
  readonly principal: PrincipalId;
  readonly version: string;
  readonly execution: Execution;
}

/**
 * The front door for AI agents (Model Context Protocol). Every tool acts as one identity, which asks, waits, uses what it
 * was given and gives it back. There is no tool by which anything could be approved.
 */
export function createMcpServer(
  agent: Requester,
  { principal, version, execution }: ServerOptions,
): McpServer {
  const server = new McpServer(
    { name: 'countersign', title: `Countersign, as ${principal}`, version },
    { instructions: INSTRUCTIONS },
  );
  server.registerTool(
    'list_requestable',
    {
      description: `What ${principal} can ask for now, who decides it, and what is never given with the safe way in its place.`,
      inputSchema: { search: z.string().max(200).optional().describe('words that must occur') },
      annotations: { readOnlyHint: true },
    },
    ({ search }) => answering(() => list(agent, search)),
  );
  server.registerTool(
    'request_access',
    {
      description:
        'Ask for access for a time. What policy permits is given at once, the rest waits for people.',
      inputSchema: common,
    },
    (said) =>
      answering(async () => {
        const { emergency_condition: emergencyCondition, entitlement: name, ...rest } = said;
        return begin(agent, { ...rest, emergencyCondition, entitlement: parse(name) });
      }),
  );
  server.registerTool(
    'propose_action',
    {
      description:
        'Propose one exact action (tool, target, arguments). Nothing of it happens until a person has authorised exactly this; then it can be executed once.',
      inputSchema: {
        ...common,
        tool: identifier,
        tool_version: identifier.default('1'),
        target: identifier,
        arguments: z.record(z.string(), z.json()).describe('exactly what will be executed'),
        containment: paragraph(LIMITS.reasonCharacters).describe('how the harm is limited if it goes wrong'),
        rollback: paragraph(LIMITS.reasonCharacters).describe('how it is undone'),
      },
    },
    (said) =>
      answering(async () => {
        const { tool, target, containment, rollback, reason, minutes, ticket } = said;
        const parameters = { tool, toolVersion: said.tool_version, target, arguments: said.arguments };
        return begin(agent, {
          ...{ entitlement: parse(said.entitlement), minutes, reason, ticket },
          emergencyCondition: said.emergency_condition,
          action: { parameters, containment, rollback },
        });
      }),
  );
  server.registerTool(
    'wait',
    {
      description:
        'Where a request stands. Waits for a while for it to be decided; call it again while it is not.',
      inputSchema: { request: id, seconds: z.number().int().min(0).max(50).default(20) },
      annotations: { readOnlyHint: true },
    },
    ({ request, seconds }, { signal }) =>
      answering(async () => describeStanding(await waitForChange(agent, request, seconds * 1_000, signal))),
  );
  server.registerTool(
    'give_back',
    {
      description: 'End your own request: give access back, or withdraw what is still pending.',
      inputSchema: { request: id },
    },
    ({ request }) => answering(() => giveBack(agent, request)),
  );
  executionTools(server, agent, execution, answering);
  return server;
}

/** Runs a tool. Whatever it throws is an answer too: an agent is told what to do, not how it broke. */
async function answering(work: () => Promise<Answer>): Promise<CallToolResult> {
  try {
    return toolResult(await work());
  } catch (error) {
    return failure(error);
  }
}

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
        : 'Nothing like it can be requested. Search with other words, or with none to see everything.',
  };
}

/**
 * Asks, and looks. A moment is enough for what policy decides by itself; the rest is for `wait`. The id is chosen here, so
 * that an agent has it whatever becomes of the answer.
 */
async function begin(agent: Requester, asked: Ask): Promise<Answer> {
  const request = randomUUID();
  try {
    await agent.ask({ ...asked, id: request });
  } catch (error) {
    const isRefused = error instanceof ZodError || (error instanceof GatewayError && isOurFault(error));
    if (isRefused) throw error;
    const next =
      'It is not known whether it was handed in. Call wait with this id; only where there is no such request ask again.';
    return { request, status: 'unknown', next };
  }
  try {
    return describeStanding(await waitForChange(agent, request, 5_000));
  } catch {
    return { request, status: 'submitted', next: 'It was handed in. Call wait to see where it stands.' };
  }
}

/** The gateway said no to what was asked. Anything else may be said by one that has taken it. */
const isOurFault = ({ status }: GatewayError): boolean => status >= 400 && status < 500;

async function giveBack(agent: Requester, request: string): Promise<Answer> {
  const { accepted, refusal, status } = await agent.giveBack(request);
  return {
    request,
    accepted,
    status,
    ...(refusal && { refusal }),
    next: accepted
      ? 'It is being ended. What is needed again is asked for again.'
      : 'There is nothing to end.',
  };
}

function parse(name: string) {
  const [colon, hash] = [name.indexOf(':'), name.lastIndexOf('#')];
  return {
    connector: name.slice(0, colon),
    resource: name.slice(colon + 1, hash),
    action: name.slice(hash + 1),
  };
}
