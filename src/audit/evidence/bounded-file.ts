import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Why a file was not read. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
}

/**
 * Reads a regular file of at most `mostBytes`, whatever size it reports.
 *
 * @throws UnreadableFile with a one-line message that begins with the name of the file
 */
export async function readBounded(file: string, mostBytes: number): Promise<Buffer> {
  // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => {
    throw new UnreadableFile(`${file}: cannot be read`);
  });
  try {
    const about = await handle.stat();
    if (!about.isFile()) throw new UnreadableFile(`${file}: is not a regular file`);
    if (about.size > mostBytes) throw tooLarge(file, mostBytes);
    const chunks: Buffer[] = [];
    let length = 0;
    for (;;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
      if (bytesRead === 0) return Buffer.concat(chunks, length);
      length += bytesRead;
      if (length > mostBytes) throw tooLarge(file, mostBytes);
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    throw error instanceof UnreadableFile ? error : new UnreadableFile(`${file}: cannot be read`);
  } finally {
    await handle.close();
  }
}

const CHUNK_BYTES = 1024 * 1024;
const MIB = 1_048_576;

const tooLarge = (file: string, mostBytes: number): UnreadableFile =>
  new UnreadableFile(`${file}: is larger than the limit of ${Math.ceil(mostBytes / MIB)} MiB`);
