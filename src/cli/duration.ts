import { usageError } from './output';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Longer ones would lead to moments that no date can have. */
const LONGEST_MS = 36_525 * 86_400_000;

/** Reads `90s`, `15m`, `4h` or `2d` as milliseconds. */
export function parseDurationMs(text: string, what: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const unitMs = UNIT_MS[match?.[2] ?? ''];
  if (match === null || unitMs === undefined)
    throw usageError(`${what}: ${JSON.stringify(text)} is not a duration such as 90s, 15m, 4h or 2d`);
  const spanMs = Number(match[1]) * unitMs;
  if (spanMs > LONGEST_MS) throw usageError(`${what}: ${JSON.stringify(text)} is more than a hundred years`);
  return spanMs;
}

/** Says a span in the largest unit that keeps it short. */
export function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}
