import { isIPv6 } from 'node:net';
import { HttpProblem } from './problem';

export interface Rate {
  /** Calls a second in the long run. */
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
/** Buckets to look at when one has to be forgotten. */
const MOST_LOOKS = 64;

export interface RateLimiterOptions {
  readonly nowMs?: () => number;
  /** Callers that are remembered at once, for each kind of call. */
  readonly most?: number;
  /** Called with the kind of each call that is turned away. */
  readonly onRefusal?: (kind: string) => void;
}

/**
 * Limits calls by token buckets, one for each caller and kind of call. Each kind has its own memory, so any number of strangers
 * cannot evict known callers. When memory runs out, it forgets a full bucket, which holds no information. It uses the monotonic
 * clock, so setting the clock back locks nobody out.
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

/** Forgets the first full bucket it finds, or else the fullest. Buckets it passed over go to the end of the order. */
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

/**
 * Returns what identifies an unauthenticated caller: the IPv4 address, or the first 64 bits of an IPv6 address, because everyone
 * has as many IPv6 addresses below those as they like.
 */
export function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = plain.split('::');
  const words = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const left = words(head);
  const right = words(tail ?? '');
  // A dotted end is two words long.
  const length = left.length + right.length + (plain.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - length }, () => '0');
  const prefix = [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((word) => Number.parseInt(word, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
