import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors';

export interface Waiting {
  /** Who is waited for, for the error message. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Says why waiting is in vain, for example that the process has ended. */
  readonly givenUp?: (() => string | undefined) | undefined;
}

const TRY_EVERY_MS = 100;

/** Tries again until it succeeds. Out of time, the error says what went wrong last. */
export async function waitUntil(
  { what, timeoutMs, givenUp }: Waiting,
  attempt: () => Promise<void>,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  let last: unknown = 'it was not asked';
  while (Date.now() < until) {
    const reason = givenUp?.();
    if (reason !== undefined) throw new Error(reason);
    try {
      return await attempt();
    } catch (error) {
      last = error;
    }
    await sleep(TRY_EVERY_MS);
  }
  throw new Error(`${what} did not answer within ${timeoutMs / 1000} s: ${messageOf(last)}`);
}
