import type { Client } from '@temporalio/client';
import { nowMs } from './clock';
import type { Life } from './side';
import type { WorkerProcess } from './worker-process';

/** One decision of the open loop. */
export interface Sample {
  /** From the moment when the decision was due to the grant, so that no wait is left out. */
  readonly latencyMs: number;
  /** The part of it by which the sender itself was late. */
  readonly lateMs: number;
}

export interface Loop {
  readonly samples: readonly Sample[];
  /** From the moment when the last decision was due to the last grant. */
  readonly drainMs: number;
}

const LEAD_MS = 50;

/** Sends each decision when it is due, whether earlier ones have led to a grant or not. */
export async function openLoop(
  lives: readonly Life[],
  dueMs: readonly number[],
  { client, worker }: { readonly client: Client; readonly worker: Pick<WorkerProcess, 'granted'> },
): Promise<Loop> {
  const beganMs = nowMs() + LEAD_MS;
  const samples: Sample[] = [];
  let lastMs = 0;
  await Promise.all(
    lives.map(async (life, index) => {
      const due = beganMs + (dueMs[index] ?? 0);
      const granted = worker.granted(life.id);
      await until(due);
      const lateMs = nowMs() - due;
      await life.decide(client);
      const grantedMs = await granted;
      lastMs = Math.max(lastMs, grantedMs);
      samples.push({ latencyMs: grantedMs - due, lateMs });
    }),
  );
  return { samples, drainMs: lastMs - (beganMs + (dueMs.at(-1) ?? 0)) };
}

const until = (dueMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, dueMs - nowMs());
  });
