import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until there is an answer. The time is generous: a test that needs it is slow, not wrong. */
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

/** Asks again until it is true. */
export async function eventuallyTrue(
  what: string,
  attempt: () => Promise<boolean>,
  withinMs?: number,
): Promise<void> {
  await eventually(what, async () => (await attempt()) || undefined, withinMs);
}

export { sleep };
