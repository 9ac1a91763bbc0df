import { parentPort, workerData } from 'node:worker_threads';
import { parsePart } from './yaml-parts';

/* The thread in which one part of a large directory is parsed. */

parentPort?.postMessage(parsePart(String(workerData)));
