import { LONGEST_RETRY_AFTER_MS, retryAfterMs } from '../../outbound/retry-after';

/** Why GitHub did not do what it was asked. */
export interface Refused {
  readonly ok: false;
  /** `gone`: asking again is of no use. */
  readonly kind: 'later' | 'gone';
  readonly why: string;
  readonly status?: number;
  /** How long GitHub wants to be left alone. */
  readonly pauseMs?: number;
}

/** Says what an answer that is no success means. GitHub limits rates by 403 as well as by 429. */
export function refusedByResponse({ status, headers }: Response, nowMs: number): Refused {
  const why = `GitHub answered ${status}`;
  const pauseMs = pauseIn(headers, nowMs);
  if (pauseMs !== undefined) return { ok: false, kind: 'later', why, status, pauseMs };
  // There is no such run or deployment, or it waits for no answer: it was cancelled, decided by somebody else, or is too old.
  return { ok: false, kind: [404, 410, 422].includes(status) ? 'gone' : 'later', why, status };
}

function pauseIn(headers: Headers, nowMs: number): number | undefined {
  const after = retryAfterMs(headers.get('retry-after'), nowMs);
  if (after !== undefined) return after;
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (headers.get('x-ratelimit-remaining') !== '0' || !Number.isFinite(reset)) return undefined;
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(1_000, reset * 1_000 - nowMs));
}
