import { LONGEST_RETRY_AFTER_MS } from '../../outbound/retry-after';
import { type Refused, refusedBy } from '../questions/reply';

/** There is no such run or deployment, or it waits for no answer: it was cancelled, decided by somebody else, or is too old. */
const GONE = [404, 410, 422];

/** Says what an answer that is no success means. GitHub limits rates by 403 as well as by 429. */
export function refusedByResponse(response: Response, nowMs: number): Refused {
  const refused = refusedBy(response, { name: 'GitHub', gone: GONE, nowMs });
  const pauseMs = refused.pauseMs ?? resetIn(response.headers, nowMs);
  return pauseMs === undefined ? refused : { ...refused, kind: 'later', pauseMs };
}

function resetIn(headers: Headers, nowMs: number): number | undefined {
  const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
  if (headers.get('x-ratelimit-remaining') !== '0' || !Number.isFinite(reset)) return undefined;
  return Math.min(LONGEST_RETRY_AFTER_MS, Math.max(1_000, reset * 1_000 - nowMs));
}
