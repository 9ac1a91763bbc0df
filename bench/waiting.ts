import type { Client } from '@temporalio/client';
import type { Life, Side } from './side';

const STARTED_AT_ONCE = 20;

/** Starts requests of a side and returns them once they all wait for a decision. */
export async function waiting(side: Side, client: Client, count: number): Promise<readonly Life[]> {
  const lives = await side.prepare(count);
  await eachAtOnce(lives, (life) => life.start(client));
  await eachAtOnce(lives, (life) => firstTaskDone(life, client));
  return lives;
}

async function eachAtOnce(lives: readonly Life[], work: (life: Life) => Promise<void>): Promise<void> {
  const queue = [...lives];
  await Promise.all(
    Array.from({ length: Math.min(STARTED_AT_ONCE, lives.length) }, async () => {
      for (let life = queue.pop(); life !== undefined; life = queue.pop()) await work(life);
    }),
  );
}

async function firstTaskDone(life: Life, client: Client): Promise<void> {
  const handle = client.workflow.getHandle(life.workflowId);
  for (let tries = 0; tries < 500; tries += 1) {
    const { historyLength } = await handle.describe();
    // Started, task scheduled, task started, and the events of the first task.
    if (historyLength > 4) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${life.workflowId} makes no progress`);
}
