import { DURATION_EXAMPLES, parseDuration } from '../contracts/duration';
import { usageError } from './output';

/** Longer ones would lead to moments that no date can have. */
const LONGEST_MS = 36_525 * 86_400_000;

/** Parses a duration that a user typed, to milliseconds. @throws UserError that names the option as `what` */
export function parseDurationMs(text: string, what: string): number {
  const spanMs = parseDuration(text);
  if (spanMs === undefined)
    throw usageError(`${what}: ${JSON.stringify(text)} is not a duration such as ${DURATION_EXAMPLES}`);
  if (spanMs > LONGEST_MS) throw usageError(`${what}: ${JSON.stringify(text)} is more than a hundred years`);
  return spanMs;
}

/** Formats a span of milliseconds, rounded to the largest unit that keeps it short: `45s`, `3m`, `2h`, `5d`. */
export function sayDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}
