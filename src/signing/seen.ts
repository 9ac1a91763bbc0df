/** Remembers things that may be seen once, each until its time, and no more of them than fit. */
export class SeenOnce {
  readonly #seen = new Map<string, { readonly untilMs: number; readonly by: string | undefined }>();

  constructor(
    private readonly most = 100_000,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /**
   * True the first time, and again for the same `by` where one is given: whoever tries once more is not someone else.
   * False when it was seen before, or when there is no room to remember it: both are a no.
   */
  first(name: string, untilMs: number, by?: string): boolean {
    const nowMs = this.nowMs();
    const known = this.#seen.get(name);
    if (known !== undefined && known.untilMs > nowMs) return by !== undefined && known.by === by;
    if (this.#seen.size >= this.most) this.#forgetPast(nowMs);
    if (this.#seen.size >= this.most) return false;
    this.#seen.delete(name);
    this.#seen.set(name, { untilMs, by });
    return true;
  }

  #forgetPast(nowMs: number): void {
    for (const [name, { untilMs }] of this.#seen) if (untilMs <= nowMs) this.#seen.delete(name);
  }
}

/** A map that holds the most recent entries, and no more of them than fit. */
export class BoundedMap<Value> {
  readonly #entries = new Map<string, Value>();

  constructor(private readonly most: number) {}

  get(name: string): Value | undefined {
    return this.#entries.get(name);
  }

  set(name: string, value: Value): void {
    this.#entries.delete(name);
    if (this.#entries.size >= this.most) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(name, value);
  }

  delete(name: string): void {
    this.#entries.delete(name);
  }
}
