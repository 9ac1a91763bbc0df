/** Up to this many values quantiles are exact. */
const EXACT = 64;
/** Ratio between the bounds of one bucket: a quantile from buckets is off by at most one per cent. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Longer than any request lives. Bounds the number of buckets if a clock is wrong. */
const LONGEST_MS = 366 * 86_400_000;
const BUCKETS = 2 + Math.floor(Math.log(LONGEST_MS) / LOG_GROWTH);

/**
 * Quantiles of spans of time in bounded memory: exact while there are few, then from buckets whose bounds grow by a
 * constant ratio. Values may come in any order.
 */
export class Spans {
  #exact: number[] | undefined = [];
  #buckets: Uint32Array | undefined;
  #count = 0;
  #totalMs = 0;

  get count(): number {
    return this.#count;
  }

  get totalMs(): number {
    return this.#totalMs;
  }

  /** Adds a span. A negative one, from clocks that disagree, counts as 0. */
  add(spanMs: number): void {
    if (!Number.isFinite(spanMs)) return;
    const ms = Math.min(Math.max(0, spanMs), LONGEST_MS);
    this.#count += 1;
    this.#totalMs += ms;
    if (this.#exact !== undefined && this.#exact.length < EXACT) {
      this.#exact.push(ms);
      return;
    }
    for (const earlier of this.#exact ?? []) this.#enter(earlier);
    this.#exact = undefined;
    this.#enter(ms);
  }

  /** Returns the value that `share` of all values do not exceed (nearest rank); undefined without values. */
  quantile(share: number): number | undefined {
    if (this.#count === 0) return undefined;
    const rank = Math.max(1, Math.ceil(share * this.#count));
    if (this.#exact !== undefined) return this.#exact.toSorted((a, b) => a - b)[rank - 1];
    let seen = 0;
    for (const [index, count] of this.#buckets?.entries() ?? []) {
      seen += count;
      if (seen >= rank) return middleOf(index);
    }
    return undefined;
  }

  #enter(ms: number): void {
    const index = ms < 1 ? 0 : 1 + Math.floor(Math.log(ms) / LOG_GROWTH);
    this.#buckets ??= new Uint32Array(BUCKETS);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
  }
}

/** The middle of a bucket. */
const middleOf = (index: number): number =>
  index === 0 ? 0 : Math.exp((index - 1) * LOG_GROWTH) * (1 + (GROWTH - 1) / 2);
