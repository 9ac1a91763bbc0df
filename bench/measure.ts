import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { HeapWorkerPlace } from './heap-worker';
import type { Life, Side } from './side';

export interface Rate {
  readonly perSecond: number;
  readonly seconds: number;
}

/** Measures the rate from the first start to the last grant, with a fixed number of requests in flight. */
export async function endToEnd(side: Side, client: Client, count: number, inFlight: number): Promise<Rate> {
  const lives = await side.prepare(count);
  const queue = [...lives];
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      for (let life = queue.pop(); life !== undefined; life = queue.pop()) {
        const granted = life.granted();
        await life.start(client);
        await life.decide(client);
        await granted;
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1_000;
  return { perSecond: count / seconds, seconds };
}

/** Measures milliseconds from sending the decision to the grant, one waiting request at a time. */
export async function decisionToGrant(side: Side, client: Client, count: number): Promise<readonly number[]> {
  const lives = await waiting(side, client, count);
  const spans: number[] = [];
  for (const life of lives) {
    const granted = life.granted();
    const sentMs = performance.now();
    await life.decide(client);
    spans.push((await granted) - sentMs);
  }
  return spans.sort((a, b) => a - b);
}

/**
 * Kilobytes of heap that each cached waiting request takes in a worker. The first requests warm the worker up: what the
 * engine compiles and what the SDK sets up for them is not counted.
 */
export async function heapPerWaiting(
  place: HeapWorkerPlace,
  side: Side,
  client: Client,
  count: number,
): Promise<number> {
  const worker = fork(path.join(__dirname, 'heap-worker.js'), { stdio: 'inherit' });
  const answer = async (): Promise<unknown> => (await once(worker, 'message'))[0];
  try {
    const ready = answer();
    worker.send(place);
    await ready;
    const heapKb = async () => {
      const measured = answer();
      worker.send('heap');
      return Number(await measured);
    };
    await waiting(side, client, 100);
    const beforeKb = await heapKb();
    await waiting(side, client, count);
    return ((await heapKb()) - beforeKb) / count;
  } finally {
    worker.send('stop');
    await once(worker, 'exit');
  }
}

/** Counts history events until the grant, and in total once the request is over. */
export async function eventsOf(life: Life, client: Client): Promise<number> {
  const { events } = await client.workflow.getHandle(life.workflowId).fetchHistory();
  return events?.length ?? 0;
}

/** Measures milliseconds to create one workflow and bring it to where it waits, by replaying its first task many times. */
export async function creationMs(side: Side, client: Client, count: number): Promise<number> {
  const [life] = await waiting(side, client, 1);
  if (life === undefined) throw new Error('nothing waits');
  const history = await client.workflow.getHandle(life.workflowId).fetchHistory();
  const many = Array.from({ length: count }, () => ({ workflowId: life.workflowId, history }));
  const dataConverter = side.converterPath === undefined ? {} : { payloadConverterPath: side.converterPath };
  // As in a real worker, nothing reads the journal.
  const sinks = { countersignJournal: { record: { fn: () => undefined, callDuringReplay: false } } };
  const options = { workflowBundle: { code: side.bundle.code }, dataConverter, sinks };
  const startedMs = performance.now();
  for await (const { error } of Worker.runReplayHistories(options, many)) if (error) throw error;
  return (performance.now() - startedMs) / count;
}

/** Starts requests of a side and returns them once they all wait. */
export async function waiting(side: Side, client: Client, count: number): Promise<readonly Life[]> {
  const lives = await side.prepare(count);
  const queue = [...lives];
  await Promise.all(
    Array.from({ length: Math.min(20, count) }, async () => {
      for (let life = queue.pop(); life !== undefined; life = queue.pop()) await life.start(client);
    }),
  );
  for (const life of lives) await firstTaskDone(life, client);
  return lives;
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

export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
