const MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,3})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d))?$/;

/** Examples of a time, for messages. */
export const MOMENT_EXAMPLE = '2026-11-21, 2026-11-21T10:00Z or 2026-11-21T11:00+01:00';

/**
 * Parses a date, which means its first moment in UTC, or a time with its zone. Returns milliseconds, or undefined if the text is
 * neither. A time without a zone would mean another moment on each machine.
 */
export function readMomentMs(text: string): number | undefined {
  const [, year, month, day] = MOMENT.exec(text) ?? [];
  if (year === undefined) return undefined;
  // Date.parse rolls 31 February over into March.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  return isDate ? Date.parse(text) : undefined;
}
