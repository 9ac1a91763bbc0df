import { closeSync, existsSync, openSync, readSync, renameSync, statSync } from 'node:fs';

const ROLL_AT_BYTES = 20 * 1024 * 1024;
const TAIL_BYTES = 8 * 1024;

/** Opens a log for appending that only its owner can read. A log over 20 MiB is first renamed to `FILE.1`. */
export function openLog(file: string): number {
  if (existsSync(file) && statSync(file).size > ROLL_AT_BYTES) renameSync(file, `${file}.1`);
  return openSync(file, 'a', 0o600);
}

/** Returns the last lines of a log, for an error message; no lines if there is no log. */
export function lastLines(file: string, count = 5): readonly string[] {
  if (!existsSync(file)) return [];
  const log = openSync(file, 'r');
  try {
    const start = Math.max(0, statSync(file).size - TAIL_BYTES);
    const buffer = Buffer.alloc(TAIL_BYTES);
    const length = readSync(log, buffer, 0, TAIL_BYTES, start);
    const lines = buffer.toString('utf8', 0, length).split('\n');
    return lines.filter((line) => line.trim() !== '').slice(-count);
  } finally {
    closeSync(log);
  }
}
