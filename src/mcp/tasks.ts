import {
  type McpServer,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { requestId } from '../contracts/request';
import { LIMITS } from '../domain/limits';
import { isPendingStatus } from '../domain/status';
import { GatewayError } from '../enforcement/gateway-error';
import type { Requester, RequestStanding } from '../enforcement/requester';
import { describeStanding, toolResult } from './answers';
import { abilitiesInCall, TASKS } from './client-abilities';

const POLL_INTERVAL_MS = 5_000;

const named = { params: z.looseObject({ taskId: requestId }), result: z.looseObject({}) };

/**
 * Returns a request as a task. The request is durable and its id cannot be guessed, so the task needs no store of its own:
 * any replica can tell how it stands, and only to the requester.
 */
export function taskOf(standing: RequestStanding) {
  const { request, status, decisions = [], waiting_since: waitingSince } = standing;
  const { next } = describeStanding(standing);
  const createdAt = new Date(request.submittedAtMs).toISOString();
  const times = [createdAt, waitingSince ?? createdAt, ...decisions.map(({ at }) => at)];
  return {
    taskId: request.id,
    status: isPendingStatus(status) ? 'working' : status === 'withdrawn' ? 'cancelled' : 'completed',
    statusMessage: next,
    createdAt,
    lastUpdatedAt: new Date(Math.max(...times.map((time) => Date.parse(time)))).toISOString(),
    ttlMs: LIMITS.pendingLifeMs,
    pollIntervalMs: POLL_INTERVAL_MS,
  };
}

/** Registers the methods of the extension. Cancelling a task withdraws its request, which its requester may do at any time. */
export function addTasks(server: McpServer, agent: Requester): void {
  server.server.registerCapabilities({ extensions: { [TASKS]: {} } });
  server.server.setRequestHandler('tasks/get', named, async ({ taskId }, ctx) => {
    const standing = await lookFor(agent, taskId, ctx);
    const task = taskOf(standing);
    if (task.status !== 'completed') return task;
    // The library adds the kind of a result to the outer one alone.
    return { ...task, result: { ...toolResult(describeStanding(standing)), resultType: 'complete' } };
  });
  // Nothing that a client could answer moves a request: people sign.
  server.server.setRequestHandler('tasks/update', named, async ({ taskId }, ctx) => {
    await lookFor(agent, taskId, ctx);
    return {};
  });
  server.server.setRequestHandler('tasks/cancel', named, async ({ taskId }, ctx) => {
    const { status } = await lookFor(agent, taskId, ctx);
    if (isPendingStatus(status)) await agent.giveBack(taskId);
    return {};
  });
}

async function lookFor(agent: Requester, taskId: string, ctx: ServerContext): Promise<RequestStanding> {
  if (!abilitiesInCall(ctx).tasks)
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { extensions: { [TASKS]: {} } } });
  try {
    return await agent.look(taskId);
  } catch (error) {
    if (error instanceof GatewayError && error.status === 404)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'there is no such task');
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'the gateway did not answer; try again later');
  }
}
