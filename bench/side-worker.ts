import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { nowMs } from './clock';
import { countersignWorker, type Observer, type OpenWorker } from './countersign-worker';
import { floorActivities } from './floors/floor-workers';
import { countQueries, queriesSent } from './query-count';
import { quietLogger } from './quiet';
import type { WorkerNote, WorkerPlace } from './side';
import { SpanNotes } from './span-notes';

/**
 * The worker of one side, in a process of its own, so that neither the client's work nor another side's delays it, and the heap
 * measured is what this worker holds.
 */
async function main(place: WorkerPlace): Promise<void> {
  countQueries();
  Runtime.install({ logger: quietLogger, telemetryOptions: { logging: { filter: 'ERROR' } } });
  const connection = await NativeConnection.connect({ address: place.address });
  const report = (id: string) => tell({ kind: 'granted', id, atMs: nowMs() });
  const notes = place.noteSpans === true ? new SpanNotes() : undefined;
  notes?.watchActivations();
  const { worker, close } = await workerOf(place, connection, { report, notes });
  process.on('message', (message) => {
    if (message === 'heap') tell({ kind: 'number', value: heapKb() });
    else if (message === 'queries') tell({ kind: 'number', value: queriesSent() });
    else if (message === 'spans') tell({ kind: 'spans', spans: notes?.take() ?? [] });
    else worker.shutdown();
  });
  // The client is gone, so nobody wants this worker any more.
  process.once('disconnect', () => process.exit());
  tell({ kind: 'ready' });
  await worker.run();
  await close();
  await connection.close();
  process.disconnect();
}

async function workerOf(
  place: WorkerPlace,
  connection: NativeConnection,
  observer: Observer,
): Promise<OpenWorker> {
  const { side, stateDir, workflowFile, inThread } = place;
  if (side === 'countersign' || side === 'countersign_postgresql')
    return countersignWorker(place, connection, observer);
  const worker = await Worker.create({
    connection,
    taskQueue: side,
    workflowBundle: { code: readFileSync(workflowFile, 'utf8') },
    activities: floorActivities(side, stateDir, observer.report),
    ...(observer.notes && { interceptors: { activity: [observer.notes.activities()] } }),
    maxCachedWorkflows: 5_000,
    debugMode: inThread,
  });
  return { worker, close: async () => undefined };
}

const tell = (note: WorkerNote): void => void process.send?.(note);

function heapKb(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') for (let round = 0; round < 3; round += 1) collect();
  return process.memoryUsage().heapUsed / 1_024;
}

process.once('message', (place: WorkerPlace) => void main(place));
