import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from './errors';

export interface WaitOptions {
  /** What is awaited, for the error message. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Returns why there is no point in waiting, for example that the process has ended; undefined if there is. */
  readonly givenUp?: (() => string | undefined) | undefined;
}

const TRY_EVERY_MS = 100;

/** Retries until an attempt succeeds. After `timeoutMs` it throws an error that says why the last attempt failed. */
export async function waitUntil(
  { what, timeoutMs, givenUp }: WaitOptions,
  attempt: () => Promise<void>,
): Promise<void> {
  const until = Date.now() + timeoutMs;
  let last: unknown = 'it was never tried';
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
