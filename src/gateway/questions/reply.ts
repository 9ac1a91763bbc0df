import { retryAfterMs } from '../../outbound/retry-after';

/** Why the other side did not do what it was asked. */
export interface Refused {
  readonly ok: false;
  /** `gone`: asking again is of no use. */
  readonly kind: 'later' | 'gone';
  readonly why: string;
  readonly status?: number;
  /** How long the other side wants to be left alone. */
  readonly pauseMs?: number;
}

export type Reply<T> = { readonly ok: true; readonly value: T } | Refused;

/**
 * Says what an answer that is no success means.
 *
 * @param gone statuses that say that what was asked about is not there any more, or waits for no answer
 */
export function refusedBy(
  { status, headers }: Response,
  { name, gone, nowMs }: { readonly name: string; readonly gone: readonly number[]; readonly nowMs: number },
): Refused {
  const why = `${name} answered ${status}`;
  const pauseMs = retryAfterMs(headers.get('retry-after'), nowMs);
  if (pauseMs !== undefined) return { ok: false, kind: 'later', why, status, pauseMs };
  return { ok: false, kind: gone.includes(status) ? 'gone' : 'later', why, status };
}
