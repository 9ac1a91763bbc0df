import { Worker } from 'node:worker_threads';
import type { DecodedDirectory } from '../../directory/read-directory';
import type { Decoded } from '../../directory/yaml-file';
import { DIRECTORY_PROGRAM } from '../../project';

/** A shorter file is decoded in less time than it takes to start a thread. */
const SHORT_CHARACTERS = 256 * 1024;
/** The largest file that is read takes a few seconds. */
const LONGEST_MS = 60_000;
/** Decoding makes much that is soon thrown away, and a larger young generation halves the time. */
const RESOURCES = { maxYoungGenerationSizeMb: 128, maxOldGenerationSizeMb: 1_024 };

/**
 * Decodes a large `directory.yaml` in a thread of its own, so that this one goes on meanwhile. Returns undefined for a short
 * one, which need not be decoded apart.
 *
 * @throws Error if the thread breaks down or takes too long
 */
export async function decodeApart(
  name: string,
  text: string,
): Promise<Decoded<DecodedDirectory> | undefined> {
  if (text.length < SHORT_CHARACTERS) return undefined;
  const thread = new Worker(DIRECTORY_PROGRAM, { workerData: { name, text }, resourceLimits: RESOURCES });
  const tooLong = setTimeout(() => void thread.terminate(), LONGEST_MS);
  try {
    return await new Promise<Decoded<DecodedDirectory>>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', () => reject(new Error(`${name}: decoding it took too long`)));
    });
  } finally {
    clearTimeout(tooLong);
    await thread.terminate();
  }
}
