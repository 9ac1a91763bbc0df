import { z } from 'zod';

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]);
const DURATION = /^(?:\d{1,6}[dhms])+$/;

/** Milliseconds of a duration such as `15m`, `4h` or `1h30m`; nothing where it is malformed or zero. */
export function parseDuration(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)([dhms])/g))
    totalMs += Number(amount) * (UNIT_MS.get(unit ?? '') ?? Number.NaN);
  return totalMs > 0 ? totalMs : undefined;
}

/** A duration as people write it: `1h30m`, or `250ms` where it is finer than a second. */
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

/** Decodes a duration to milliseconds, up to a limit. */
export const durationUpTo = (limitMs: number) =>
  z.string().transform((value, context) => {
    const durationMs = parseDuration(value);
    if (durationMs !== undefined && durationMs <= limitMs) return durationMs;
    const message =
      durationMs === undefined
        ? 'is not a duration; write it like 30s, 15m, 4h or 2d'
        : `is over the limit of ${formatDuration(limitMs)}; shorten it`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
