import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { LONGEST_RECORD_BYTES, TILE_WIDTH } from './tiles';

/** A full bundle of the longest records; no file of a log is larger. */
const LARGEST_BYTES = TILE_WIDTH * (LONGEST_RECORD_BYTES + 2);

/**
 * Reads a file of a log: a regular one, and no larger than one can be.
 *
 * @throws Error where it is not there, or is something else
 */
export function readTile(file: string): Buffer {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const handle = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const about = fstatSync(handle);
    if (!about.isFile() || about.size > LARGEST_BYTES) throw new Error(`${file} is no file of a log`);
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
}
