import { open } from 'node:fs/promises';

const ROOM = Buffer.alloc(1024 * 1024, '\n');
/** About what the gate writes for a call. */
const LINE = Buffer.from(`${'x'.repeat(700)}\n`);

/**
 * Writes lines into a file that has room for them, as the gate does, and returns how long each took to be on the disk: what a call that
 * has to be on record waits for, whatever the program.
 */
export async function syncTimes(file: string, count: number): Promise<readonly number[]> {
  const opened = await open(file, 'w');
  const times: number[] = [];
  try {
    await opened.write(ROOM);
    await opened.sync();
    for (let line = 0; line < count; line += 1) {
      const startMs = performance.now();
      await opened.write(LINE, 0, LINE.length, (line * LINE.length) % (ROOM.length - LINE.length));
      await opened.datasync();
      times.push(performance.now() - startMs);
    }
  } finally {
    await opened.close();
  }
  return times;
}
