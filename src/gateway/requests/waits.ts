/** How many calls may wait for a decision at once: in all, and for one caller. Each polls its requests. */
const MOST = 500;
const MOST_OF_ONE = 32;

/** Bounds how many calls wait. Beyond the bound, calls are answered at once: waiting is a preference (RFC 7240 section 2). */
export class Waits {
  readonly #of = new Map<string, number>();
  #all = 0;

  constructor(
    private readonly most = MOST,
    private readonly mostOfOne = MOST_OF_ONE,
  ) {}

  /** Runs `work`, which may wait for `waitMs`, or for 0 ms if too many calls wait already. */
  async during<T>(caller: string, waitMs: number, work: (waitMs: number) => Promise<T>): Promise<T> {
    const count = this.#of.get(caller) ?? 0;
    if (waitMs <= 0 || this.#all >= this.most || count >= this.mostOfOne) return work(0);
    this.#all += 1;
    this.#of.set(caller, count + 1);
    try {
      return await work(waitMs);
    } finally {
      this.#all -= 1;
      const left = (this.#of.get(caller) ?? 1) - 1;
      if (left > 0) this.#of.set(caller, left);
      else this.#of.delete(caller);
    }
  }
}
