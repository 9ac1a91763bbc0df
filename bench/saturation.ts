import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { nowMs } from './clock';
import type { Life } from './side';
import type { WorkerProcess } from './worker-process';

/** The mean of the random pause before each start, which keeps the senders out of step with each other and with the server. */
const PAUSE_MS = 20;

/**
 * Measures whole requests a second, from the first start to the last grant, with more senders than the machine can serve. It says
 * nothing about latencies: those would depend on the number of senders.
 */
export async function saturate(
  lives: readonly Life[],
  senders: number,
  random: () => number,
  { client, worker }: { readonly client: Client; readonly worker: Pick<WorkerProcess, 'granted'> },
): Promise<number> {
  const queue = [...lives];
  const startedMs = nowMs();
  let lastMs = startedMs;
  await Promise.all(
    Array.from({ length: senders }, async () => {
      for (let life = queue.pop(); life !== undefined; life = queue.pop()) {
        await sleep(-Math.log(1 - random()) * PAUSE_MS);
        const granted = worker.granted(life.id);
        await life.start(client);
        await life.decide(client);
        lastMs = Math.max(lastMs, await granted);
      }
    }),
  );
  return (lives.length * 1_000) / (lastMs - startedMs);
}
