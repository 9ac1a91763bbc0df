import { setTimeout as sleep } from 'node:timers/promises';

/** Retries until `attempt` returns a value, and returns it. The limit is generous, because a slow test is not a failed one. */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  withinMs = 30_000,
): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 1.5, 200)) {
    const found = await attempt();
    if (found !== undefined) return found;
    if (Date.now() > untilMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(pauseMs);
  }
}

/** Retries until `attempt` returns true. */
export async function eventuallyTrue(
  what: string,
  attempt: () => Promise<boolean>,
  withinMs?: number,
): Promise<void> {
  await eventually(what, async () => (await attempt()) || undefined, withinMs);
}

export { sleep };
