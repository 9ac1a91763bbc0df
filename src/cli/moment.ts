import { parseDuration } from '../contracts/duration';
import { readMoment, ZONED_EXAMPLE } from '../contracts/zoned-moment';
import { parseDurationMs } from './duration';
import { usageError } from './output';

/** How a span counts: from now on, or back from now. */
type Direction = 'after' | 'before';

/**
 * Parses a time that a user typed, or a span from now. Every option that takes a time reads it here.
 *
 * @throws UserError that names the option as `what`
 */
export function parseMomentMs(text: string, what: string, span: Direction, nowMs = Date.now()): number {
  if (parseDuration(text) !== undefined) {
    const spanMs = parseDurationMs(text, what);
    return span === 'after' ? nowMs + spanMs : nowMs - spanMs;
  }
  const read = readMoment(text);
  if (!read.ok) throw usageError(`${what}: ${read.why}, or a span such as 2h`);
  return read.atMs;
}

/** How the help of an option says what it takes. */
export const MOMENT_HELP = `a span such as 2h, or a time with its zone: ${ZONED_EXAMPLE}`;

/** Says a moment as an instant and by the clocks of this machine's zone: `2026-11-21T10:00:00.000Z (Sat 21 Nov, 11:00 in Europe/Berlin)`. */
export function sayMoment(atMs: number): string {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const local = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone, weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
  }).format(atMs);
  return `${new Date(atMs).toISOString()} (${local} in ${timeZone})`;
}
