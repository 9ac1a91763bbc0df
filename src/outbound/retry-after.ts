/** The longest that a server is left alone because it asks for it. A mistaken or hostile header must not silence us for longer. */
export const LONGEST_RETRY_AFTER_MS = 3_600_000;

const SECONDS = /^\d{1,40}$/;
const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
/** The three forms of a date in HTTP, of which two are obsolete and still have to be read (RFC 9110 section 5.6.7). */
const DATES = [
  new RegExp(String.raw`^[A-Z][a-z]{2}, \d{2} ${MONTH} \d{4} ${TIME} GMT$`),
  new RegExp(String.raw`^[A-Z][a-z]{5,8}, \d{2}-${MONTH}-\d{2} ${TIME} GMT$`),
];
const WITHOUT_ZONE = new RegExp(String.raw`^[A-Z][a-z]{2} ${MONTH} [ \d]\d ${TIME} \d{4}$`);

/**
 * Returns how long a server asks to be left alone by `Retry-After` (RFC 9110 section 10.2.3), an hour at most. Returns undefined if the
 * header is missing or malformed: the caller then waits as long as it would by itself.
 */
export function retryAfterMs(header: string | null | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  const ms = SECONDS.test(text) ? Number(text) * 1_000 : dateMs(text) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_RETRY_AFTER_MS, Math.max(0, ms));
}

function dateMs(text: string): number {
  if (WITHOUT_ZONE.test(text)) return Date.parse(`${text} GMT`);
  return DATES.some((form) => form.test(text)) ? Date.parse(text) : Number.NaN;
}
