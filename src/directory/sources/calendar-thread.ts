import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { shiftsIn } from './calendar';

/* The thread in which a calendar is read: a rule that it has may never come to an end, and a thread can be ended. */

const question = z
  .strictObject({
    text: z.string(),
    fromMs: z.number(),
    toMs: z.number(),
    who: z.enum(['attendee', 'summary']),
    zone: z.string().exactOptional(),
  })
  .parse(workerData);
try {
  parentPort?.postMessage({ ok: true, value: shiftsIn(question) });
} catch (error) {
  parentPort?.postMessage({ ok: false, why: error instanceof Error ? error.message : 'it cannot be read' });
}
