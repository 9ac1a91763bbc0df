import { z } from 'zod';

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
]);
const DURATION = /^(?:\d{1,12}(?:ms|[dhms]))+$/;

/** How a message tells people to write one. */
export const DURATION_EXAMPLES = '30s, 15m, 1h30m or 2d';

/**
 * Milliseconds of a duration such as `15m`, `4h` or `1h30m`, for the bundle, for files and for the command line alike.
 * Everything that `formatDuration` writes can be parsed. Returns undefined if the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[dhms])/g))
    totalMs += Number(amount) * (UNIT_MS.get(unit ?? '') ?? Number.NaN);
  return totalMs;
}

/** The exact duration as people write it: `1h30m`, or `250ms` if it is not whole seconds. */
export function formatDuration(durationMs: number): string {
  if (!Number.isInteger(durationMs / 1_000)) return `${durationMs}ms`;
  let restMs = durationMs;
  let text = '';
  for (const [unit, unitMs] of UNIT_MS) {
    const amount = Math.floor(restMs / unitMs);
    if (amount > 0) text += `${amount}${unit}`;
    restMs -= amount * unitMs;
  }
  return text === '' ? '0s' : text;
}

/** A schema for durations in files: it decodes to milliseconds, more than 0 and at most `limitMs`. */
export const durationUpTo = (limitMs: number) =>
  z
    .string()
    .meta({ pattern: DURATION.source })
    .transform((value, context) => {
      const durationMs = parseDuration(value);
      if (durationMs !== undefined && durationMs > 0 && durationMs <= limitMs) return durationMs;
      const tooLong = durationMs !== undefined && durationMs > limitMs;
      const message = tooLong
        ? `is over the limit of ${formatDuration(limitMs)}; shorten it`
        : `is not a duration; write it like ${DURATION_EXAMPLES}`;
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    });
