import { availableParallelism } from 'node:os';
import path from 'node:path';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { decodeDirectory } from './read-directory';
import { joinParts, parsePart, splitYaml } from './yaml-parts';

/*
 * The thread in which a large directory is decoded, because the thread of a worker or a gateway has other things to do in
 * those seconds. Most of the time goes into parsing, so parts of the file are parsed in further threads.
 */

const MOST_PARTS = 8;
/** Parsing makes much that is soon thrown away, and a larger young generation halves the time. */
const RESOURCES = { maxYoungGenerationSizeMb: 128, maxOldGenerationSizeMb: 1_024 };

/** Parses in as many threads as there are processors. Returns undefined if the text has to be parsed whole. */
async function parseInParts(text: string): Promise<unknown> {
  const parts = Math.min(availableParallelism(), MOST_PARTS);
  const [first, ...others] = (parts > 1 && splitYaml(text, parts)) || [];
  if (first === undefined) return undefined;
  const elsewhere = others.map(parseElsewhere);
  const parsed = [parsePart(first), ...(await Promise.all(elsewhere))];
  return joinParts(parsed);
}

/** Returns undefined if the thread breaks down: the text is then parsed whole. */
function parseElsewhere(part: string): Promise<unknown> {
  const program = path.join(__dirname, 'parse-thread.js');
  const thread = new Worker(program, { workerData: part, resourceLimits: RESOURCES });
  return new Promise((resolve) => {
    thread.once('message', resolve);
    thread.once('error', () => resolve(undefined));
    thread.once('exit', () => resolve(undefined));
  });
}

async function decode(): Promise<void> {
  const { name, text } = z.strictObject({ name: z.string(), text: z.string() }).parse(workerData);
  parentPort?.postMessage(decodeDirectory(name, text, await parseInParts(text)));
}

void decode();
