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

const MOST_THREADS = 8;
/** What is made of a short piece is thrown away before the garbage collector has to move it, which halves the memory. */
const PIECE_CHARACTERS = 16 * 1024;
/** Parsing makes much that is soon thrown away, and a larger young generation halves the time. */
const RESOURCES = { maxYoungGenerationSizeMb: 128, maxOldGenerationSizeMb: 1_024 };

/** Parses in as many threads as there are processors. Returns undefined if the text has to be parsed whole. */
async function parseInParts(text: string): Promise<unknown> {
  const pieces = splitYaml(text, Math.ceil(text.length / PIECE_CHARACTERS));
  if (pieces === undefined) return undefined;
  const others = Math.min(availableParallelism(), MOST_THREADS) - 1;
  // This thread takes fewer, because it decodes them all afterwards.
  const own = others === 0 ? pieces.length : Math.floor(pieces.length / (others + 2));
  const each = Math.ceil((pieces.length - own) / Math.max(1, others));
  const elsewhere: Promise<unknown>[] = [];
  for (let at = own; at < pieces.length; at += each)
    elsewhere.push(parseElsewhere(pieces.slice(at, at + each)));
  const parsed = pieces.slice(0, own).map(parsePart);
  return joinParts([...parsed, ...(await Promise.all(elsewhere)).flat()]);
}

/** Returns undefined if the thread breaks down: the text is then parsed whole. */
function parseElsewhere(pieces: readonly string[]): Promise<unknown> {
  const program = path.join(__dirname, 'parse-thread.js');
  const thread = new Worker(program, { workerData: pieces, resourceLimits: RESOURCES });
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
