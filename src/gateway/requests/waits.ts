/** Callers who wait for a decision at one time: in all, and of one. Each asks its requests up to once a second and more. */
const MOST = 500;
const MOST_OF_ONE = 32;

/** Bounds how many wait. Whoever finds no room is answered at once: to wait is a wish (RFC 7240 section 2). */
export class Waits {
  readonly #of = new Map<string, number>();
  #all = 0;

  constructor(
    private readonly most = MOST,
    private readonly mostOfOne = MOST_OF_ONE,
  ) {}

  /** Does something that may wait so long, or not at all where there is no room. */
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
