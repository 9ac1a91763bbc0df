import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { decodeDirectory } from './read-directory';

/*
 * The thread in which a large directory is decoded, because the thread of a worker or a gateway has other things to do in
 * that time.
 */

const { name, text } = z.strictObject({ name: z.string(), text: z.string() }).parse(workerData);
parentPort?.postMessage(decodeDirectory(name, text));
