import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CallToolResult, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { foreignName, requestId } from '../contracts/request';
import { GatewayError } from '../enforcement/gateway-error';
import type { Requester } from '../enforcement/requester';
import type { Answer } from './answers';

export interface Execution {
  /** Returns the address of an audience's executor, which receives approved actions. Without it there is no tool `execute`. */
  readonly executorOf?: (audience: string) => string | undefined;
  /** Folder for fetched tokens, where the executor finds them. Tokens are never shown to a model. */
  readonly tokenDir?: string;
}

type Answering = (work: () => Promise<Answer>) => Promise<CallToolResult>;

const EXECUTES_WITHIN_MS = 90_000;
const presentedSchema = z.object({ token: z.string(), holder_proof: z.string() });
const outcomeSchema = z.looseObject({
  outcome: z.enum(['succeeded', 'failed', 'unknown', 'refused']),
  refusal: z.object({ code: z.string(), detail: z.string() }).optional(),
});
/** A refused connection, or an unknown host name: nothing was sent. */
const neverConnected = z.object({ cause: z.object({ code: z.enum(['ECONNREFUSED', 'ENOTFOUND']) }) });
const id = requestId.describe('id of the approved request');

/** Registers the tools that carry out approved actions. A token goes from gateway to executor; the model never sees it. */
export function executionTools(
  server: McpServer,
  agent: Requester,
  { executorOf, tokenDir }: Execution,
  answering: Answering,
): void {
  if (executorOf !== undefined)
    server.registerTool(
      'execute',
      {
        description: 'Have an approved action executed, exactly as approved, once.',
        inputSchema: z.object({ request: id }),
      },
      ({ request }) => answering(() => execute(agent, executorOf, request)),
    );
  if (tokenDir === undefined) return;
  server.registerTool(
    'fetch_token',
    {
      description: 'Put the single-use token of an approved action into a file, for its executor.',
      inputSchema: z.object({ request: id }),
    },
    ({ request }) => answering(() => fetchToken(agent, tokenDir, request)),
  );
  server.registerTool(
    'redeem_token',
    {
      description:
        'As the executor that a token is for: use it up, for exactly this action. Act only if this succeeds.',
      inputSchema: z.object({
        request: id,
        tool: foreignName,
        tool_version: foreignName.default('1'),
        target: foreignName,
        arguments: z.record(z.string(), z.json()),
      }),
    },
    ({ request, tool, tool_version: toolVersion, target, arguments: args }) =>
      answering(async () => {
        const presented = readToken(tokenDir, request);
        const action = { tool, toolVersion, target, arguments: args };
        const { redeemed_at: redeemedAt } = await agent.redeem(presented, action);
        return { request, redeemed_at: redeemedAt, next: 'Act now, once, and call report_outcome.' };
      }),
  );
  server.registerTool(
    'report_outcome',
    {
      description: 'As the executor that has used a token: report how the action ended.',
      inputSchema: z.object({ request: id, outcome: z.enum(['succeeded', 'failed', 'unknown']) }),
    },
    ({ request, outcome }) =>
      answering(async () => ({
        ...(await agent.reportOutcome(request, outcome)),
        next: 'It is recorded. To repeat the action, propose it again.',
      })),
  );
}

async function execute(
  agent: Requester,
  executorOf: (audience: string) => string | undefined,
  request: string,
): Promise<Answer> {
  // Check before a token is made that nobody could use.
  const { audience: awaited } = await agent.look(request);
  if (awaited !== undefined) executorFor(awaited, executorOf);
  const { token, holderProof, audience } = await agent.present(request);
  const answer = await handOver(executorFor(audience, executorOf), { token, holder_proof: holderProof });
  if (answer === undefined)
    return {
      request,
      outcome: 'unknown',
      next: 'The executor gave no valid answer. The action may have happened or not. Call wait to see what is recorded, and check the target before you propose it again.',
    };
  const { outcome, refusal } = answer;
  if (refusal !== undefined) throw new GatewayError(403, 'about:blank', refusal.detail, refusal.code);
  return { request, ...answer, next: NEXT[outcome] };
}

function executorFor(audience: string, executorOf: (audience: string) => string | undefined): string {
  const executor = executorOf(audience);
  if (executor === undefined)
    throw new GatewayError(404, 'about:blank', `no executor is configured for ${audience}`, 'NO_EXECUTOR');
  return executor;
}

/**
 * Hands a token to its executor. From then on only the executor knows the outcome. Returns undefined if it gives no
 * valid answer; the action may still have happened.
 *
 * @throws GatewayError if there was no connection, so that the executor cannot have the token
 */
async function handOver(executor: string, presented: z.output<typeof presentedSchema>) {
  try {
    const response = await fetch(executor, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.timeout(EXECUTES_WITHIN_MS),
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(presented),
    });
    return outcomeSchema.safeParse(await response.json()).data;
  } catch (error) {
    if (!neverConnected.safeParse(error).success) return undefined;
    throw new GatewayError(503, 'about:blank', 'the executor cannot be reached', 'EXECUTOR_AWAY');
  }
}

const NEXT: Readonly<Record<z.output<typeof outcomeSchema>['outcome'], string>> = {
  succeeded: 'It is done and recorded. The approval is used up.',
  failed: 'Nothing was changed, and the approval is used up. Correct the action and propose it again.',
  unknown: 'It may have happened or not. Check the target before you propose it again.',
  refused: 'The executor refused it.',
};

async function fetchToken(agent: Requester, tokenDir: string, request: string): Promise<Answer> {
  const { token, holderProof, audience } = await agent.present(request);
  mkdirSync(tokenDir, { recursive: true, mode: 0o700 });
  const file = tokenFile(tokenDir, request);
  writeFileSync(file, JSON.stringify({ token, holder_proof: holderProof }), { mode: 0o600 });
  return {
    request,
    file,
    audience,
    next: `Pass the file to ${audience} at once: the token is short-lived.`,
  };
}

function readToken(tokenDir: string, request: string) {
  try {
    const { token, holder_proof: holderProof } = presentedSchema.parse(
      JSON.parse(readFileSync(tokenFile(tokenDir, request), 'utf8')),
    );
    return { token, holderProof };
  } catch {
    throw new GatewayError(
      404,
      'about:blank',
      'there is no token for this request; call fetch_token first',
      'NO_TOKEN',
    );
  }
}

/** A request's id has only letters, digits, - and _, so the path cannot leave the folder. */
const tokenFile = (tokenDir: string, request: string): string => path.join(tokenDir, `${request}.json`);
