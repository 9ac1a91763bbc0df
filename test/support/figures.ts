import { appendFileSync } from 'node:fs';
import { loadavg } from 'node:os';

/** With this setting, measured times are also added to a file, one a line. */
const FIGURES = process.env['COUNTERSIGN_FIGURES'];

/** Prints a measured time with the load that the machine had. No test depends on a time. */
export function noteFigure(what: string): void {
  const line = `measured: ${what} (load ${loadavg()[0]?.toFixed(1)})\n`;
  process.stdout.write(line);
  if (FIGURES !== undefined) appendFileSync(FIGURES, line);
}

/** The value below which this share of the times lies, in milliseconds. */
export const shareOf = (times: readonly number[], share: number): string =>
  `${(times.toSorted((a, b) => a - b)[Math.floor(times.length * share)] ?? 0).toFixed(1)} ms`;
