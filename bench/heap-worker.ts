import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { bareSide } from './bare-side';
import { countersignSide } from './countersign-side';
import { quietLogger } from './quiet';

/** The driving process's message to this one: which side's worker to run, and where. */
export interface HeapWorkerPlace {
  readonly side: 'bare' | 'countersign';
  readonly address: string;
  readonly stateDir: string;
  readonly bundleDir: string;
}

/**
 * A worker in a process of its own, so that the heap measured is what the worker holds and not what the bench does.
 * Workflows run in this thread (`debugMode`), whose heap `memoryUsage` reads.
 */
async function main(place: HeapWorkerPlace): Promise<void> {
  Runtime.install({ logger: quietLogger });
  const connection = await NativeConnection.connect({ address: place.address });
  const side =
    place.side === 'bare' ? await bareSide(connection) : await countersignSide({ ...place, connection });
  const worker = await side.createWorker(true);
  process.on('message', (message) => {
    if (message === 'heap') process.send?.(heapKb());
    else worker.shutdown();
  });
  process.send?.('ready');
  await worker.run();
  await connection.close();
  process.disconnect();
}

function heapKb(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') for (let round = 0; round < 3; round += 1) collect();
  return process.memoryUsage().heapUsed / 1_024;
}

process.once('message', (place: HeapWorkerPlace) => void main(place));
