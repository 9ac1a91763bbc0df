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

/** Callers that are remembered at once. A bucket that is full again says nothing, so it is the one to forget. */
const MOST_CALLERS = 20_000;

export interface RateLimiterOptions {
  readonly nowMs?: () => number;
  /** Told of the kind of a call that is turned away. */
  readonly onRefusal?: (kind: string) => void;
}

/** Token buckets, one for each caller and kind of call. Its clock is monotonic: one that is set back locks nobody out. */
export class RateLimiter {
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly options: RateLimiterOptions = {}) {}

  /** @throws HttpProblem 429 with `Retry-After` */
  take(caller: string, kind: string, { perSecond, burst }: Rate): void {
    const { nowMs: clock = () => performance.now(), onRefusal } = this.options;
    const nowMs = clock();
    const name = `${kind} ${caller}`;
    const bucket = this.#buckets.get(name) ?? { tokens: burst, atMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, nowMs - bucket.atMs) / 1_000) * perSecond);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) {
      onRefusal?.(kind);
      const seconds = Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond));
      throw new HttpProblem(429, `too many calls; try again in ${seconds} s`, {
        headers: { 'Retry-After': String(seconds) },
      });
    }
    bucket.tokens -= 1;
    if (!this.#buckets.has(name) && this.#buckets.size >= MOST_CALLERS) this.#forgetOldest();
    this.#buckets.set(name, bucket);
  }

  #forgetOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
