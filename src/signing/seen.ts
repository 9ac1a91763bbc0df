/** Remembers things that may be seen once, each until its time, and no more of them than fit. */
export class SeenOnce {
  readonly #seen = new Map<string, number>();

  constructor(
    private readonly most = 100_000,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** True the first time. False when it was seen before, or when there is no room to remember it: both are a no. */
  first(name: string, untilMs: number): boolean {
    const nowMs = this.nowMs();
    const known = this.#seen.get(name);
    if (known !== undefined && known > nowMs) return false;
    if (this.#seen.size >= this.most) this.#forgetPast(nowMs);
    if (this.#seen.size >= this.most) return false;
    this.#seen.delete(name);
    this.#seen.set(name, untilMs);
    return true;
  }

  #forgetPast(nowMs: number): void {
    for (const [name, untilMs] of this.#seen) if (untilMs <= nowMs) this.#seen.delete(name);
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
