import { HttpProblem } from './problem';

export interface Rate {
  /** Calls a second that can go on for ever. */
  readonly perSecond: number;
  /** Calls that may come at once. */
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Callers that are remembered at once, for each kind of call. */
const MOST_CALLERS = 20_000;
/** Buckets that are looked at for one to forget. */
const MOST_LOOKS = 64;

export interface RateLimiterOptions {
  readonly nowMs?: () => number;
  /** Callers that are remembered at once, for each kind of call. */
  readonly most?: number;
  /** Told of the kind of a call that is turned away. */
  readonly onRefusal?: (kind: string) => void;
}

/**
 * Token buckets, one for each caller and kind of call. Each kind has room of its own, so that strangers, of whom there can be
 * any number, push out nobody who is known. Where there is no room, a bucket that is full again is forgotten: it says
 * nothing. Its clock is monotonic: one that is set back locks nobody out.
 */
export class RateLimiter {
  readonly #kinds = new Map<string, Map<string, Bucket>>();

  constructor(private readonly options: RateLimiterOptions = {}) {}

  /** @throws HttpProblem 429 with `Retry-After` */
  take(caller: string, kind: string, rate: Rate): void {
    const { nowMs: clock = () => performance.now(), onRefusal, most = MOST_CALLERS } = this.options;
    const nowMs = clock();
    const buckets = this.#bucketsOf(kind);
    const { perSecond, burst } = rate;
    const bucket = buckets.get(caller) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = tokensOf(bucket, nowMs, rate);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) {
      onRefusal?.(kind);
      const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
      throw new HttpProblem(429, `too many calls; try again in ${seconds} s`, {
        headers: { 'Retry-After': String(seconds) },
      });
    }
    bucket.tokens -= 1;
    if (!buckets.has(caller) && buckets.size >= most) forgetOne(buckets, nowMs, rate);
    buckets.set(caller, bucket);
  }

  #bucketsOf(kind: string): Map<string, Bucket> {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const made = new Map<string, Bucket>();
    this.#kinds.set(kind, made);
    return made;
  }
}

const tokensOf = ({ tokens, atMs }: Bucket, nowMs: number, { perSecond, burst }: Rate): number =>
  Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1_000) * perSecond);

/** The first that is full, of those looked at; else the fullest. Those passed over go to the end, and are not soon seen again. */
function forgetOne(buckets: Map<string, Bucket>, nowMs: number, rate: Rate): void {
  let fullest: string | undefined;
  let most = -1;
  const passed: [string, Bucket][] = [];
  for (const [caller, bucket] of buckets) {
    const tokens = tokensOf(bucket, nowMs, rate);
    if (tokens > most) [fullest, most] = [caller, tokens];
    if (tokens >= rate.burst || passed.length >= MOST_LOOKS) break;
    passed.push([caller, bucket]);
  }
  for (const [caller, bucket] of passed) {
    buckets.delete(caller);
    buckets.set(caller, bucket);
  }
  if (fullest !== undefined) buckets.delete(fullest);
}
