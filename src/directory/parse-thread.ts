import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { parsePart } from './yaml-parts';

/* The thread in which pieces of a large directory are parsed. */

parentPort?.postMessage(z.array(z.string()).parse(workerData).map(parsePart));
