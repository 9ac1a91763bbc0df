import { setTimeout as sleep } from 'node:timers/promises';
import { isPassingStatus, isPendingStatus } from '../domain/status';
import { GatewayError } from '../enforcement/gateway-error';
import type { Requester, RequestStanding } from '../enforcement/requester';

const LONGEST_PAUSE_MS = 2_000;

/**
 * Returns the status of a request once people or time have moved it, or after `withinMs`. If the request has just begun to
 * wait for people, it returns at once, so that an agent can say so.
 */
export async function waitForChange(
  agent: Requester,
  id: string,
  withinMs: number,
  signal?: AbortSignal,
): Promise<RequestStanding> {
  const untilMs = Date.now() + withinMs;
  let before: string | undefined;
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    const standing = await lookWhenThere(agent, id);
    const isOver = standing !== undefined && !isPendingStatus(standing.status);
    const hasComeToWait =
      standing?.status === 'awaiting_approval' && before !== undefined && isPassingStatus(before);
    const lastLook = Date.now() + pauseMs > untilMs || signal?.aborted === true;
    if (standing !== undefined && (isOver || hasComeToWait || lastLook)) return standing;
    if (lastLook)
      throw new GatewayError(503, 'about:blank', 'the request was submitted, and no worker has read it yet');
    before = standing?.status ?? 'submitted';
    await sleep(pauseMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
  }
}

/** Returns undefined for a request that was just submitted and cannot be read yet. */
async function lookWhenThere(agent: Requester, id: string): Promise<RequestStanding | undefined> {
  try {
    return await agent.look(id);
  } catch (error) {
    if (error instanceof GatewayError && error.status === 503) return undefined;
    throw error;
  }
}
