import { appendFileSync } from 'node:fs';

/** With this setting, measured times are added to a file, one a line. No test depends on a time. */
const FIGURES = process.env['COUNTERSIGN_FIGURES'];

export function noteFigure(what: string, ms: number): void {
  if (FIGURES !== undefined) appendFileSync(FIGURES, `${what}: ${ms.toFixed(1)} ms\n`);
}
