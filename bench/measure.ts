import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Ground, Standing } from './ground';
import { waiting } from './waiting';

/**
 * Kilobytes of heap that each cached waiting request takes in a worker. The first requests warm the worker up: what the
 * engine compiles and what the SDK sets up for them is not counted.
 */
export function heapPerWaiting(ground: Ground, { side, place }: Standing, count: number): Promise<number> {
  return ground.withWorkers([{ side, place: { ...place, inThread: true } }], async ([worker]) => {
    if (worker === undefined) throw new Error('no worker');
    await waiting(side, ground.client, 100);
    const beforeKb = await worker.heapKb();
    await waiting(side, ground.client, count);
    return ((await worker.heapKb()) - beforeKb) / count;
  });
}

/** Counts the history events of one request when it has its grant. */
export function eventsUpToGrant(ground: Ground, standing: Standing): Promise<number> {
  return ground.withWorkers([standing], async ([worker]) => {
    const [life] = await waiting(standing.side, ground.client, 1);
    if (life === undefined || worker === undefined) throw new Error('nothing waits');
    const granted = worker.granted(life.id);
    await life.decide(ground.client);
    await granted;
    await sleep(500);
    return (await historyOf(life.workflowId, ground.client)).events?.length ?? 0;
  });
}

/** Measures milliseconds to create one workflow and bring it to where it waits, by replaying its first task many times. */
export async function creationMs(ground: Ground, standing: Standing, count: number): Promise<number> {
  const { side, place } = standing;
  const history = await ground.withWorkers([standing], async () => {
    const [life] = await waiting(side, ground.client, 1);
    if (life === undefined) throw new Error('nothing waits');
    return { workflowId: life.workflowId, history: await historyOf(life.workflowId, ground.client) };
  });
  const isOurs = side.name === 'countersign';
  const dataConverter = isOurs
    ? { payloadConverterPath: require.resolve('../src/workflows/payload-converter') }
    : {};
  // As in a real worker, nothing reads the journal.
  const sinks = { countersignJournal: { record: { fn: () => undefined, callDuringReplay: false } } };
  const options = {
    workflowBundle: { code: readFileSync(place.workflowFile, 'utf8') },
    dataConverter,
    sinks,
  };
  const startedMs = performance.now();
  const many = Array.from({ length: count }, () => history);
  for await (const { error } of Worker.runReplayHistories(options, many)) if (error) throw error;
  return (performance.now() - startedMs) / count;
}

/** Kilobytes of the workflow code itself, without the source map in the same file, which is never evaluated. */
export function codeKb({ place }: Standing): number {
  const code = readFileSync(place.workflowFile, 'utf8');
  const end = code.indexOf('//# sourceMappingURL');
  return (end < 0 ? code.length : end) / 1_024;
}

const historyOf = (workflowId: string, client: Client) =>
  client.workflow.getHandle(workflowId).fetchHistory();
