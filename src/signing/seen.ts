/** Who shows something, and whose share of the memory it takes. */
export interface Sighting {
  /** May show it again: a retry by the same party is no replay. */
  readonly by?: string;
  /** Whose share of the memory it takes. */
  readonly owner?: string;
}

/** Tells whether a name is seen for the first time. */
export interface Once {
  first(name: string, untilMs: number, sighting?: Sighting): boolean | Promise<boolean>;
}

interface Entry extends Sighting {
  readonly untilMs: number;
}

/** Remembers names that may be seen once, each until its time. Bounded in all and for each owner. */
export class SeenOnce {
  readonly #seen = new Map<string, Entry>();
  /** Names by the second in which their time ends, so that expired ones are found without a full scan. */
  readonly #ending = new Map<number, string[]>();
  readonly #owned = new Map<string, number>();
  #sweptAt = Number.NaN;

  constructor(
    private readonly most = 100_000,
    private readonly nowMs: () => number = Date.now,
    private readonly mostOfOne = most,
  ) {}

  /** Returns true the first time, and again for the same `by`. Returns false for others, and if the memory is full. */
  first(name: string, untilMs: number, sighting: Sighting = {}): boolean {
    return this.see(name, untilMs, sighting) === 'first';
  }

  /** Like `first`, but distinguishes a name seen before from a full memory. */
  see(name: string, untilMs: number, { by, owner }: Sighting = {}): 'first' | 'seen' | 'full' {
    this.#sweep();
    const known = this.#known(name);
    if (known !== undefined) return by !== undefined && known.by === by ? 'first' : 'seen';
    if (this.#seen.size >= this.most || this.#countOf(owner) >= this.mostOfOne) return 'full';
    this.#seen.set(name, { untilMs, ...(by !== undefined && { by }), ...(owner !== undefined && { owner }) });
    const second = Math.ceil(untilMs / 1_000);
    const names = this.#ending.get(second);
    if (names === undefined) this.#ending.set(second, [name]);
    else names.push(name);
    if (owner !== undefined) this.#owned.set(owner, this.#countOf(owner) + 1);
    return 'first';
  }

  /** Returns true if `see` would return `seen`. Remembers nothing. */
  wasSeen(name: string, by?: string): boolean {
    const known = this.#known(name);
    return known !== undefined && (by === undefined || known.by !== by);
  }

  /** Forgets a name before its time. */
  forget(name: string): void {
    const known = this.#known(name);
    if (known !== undefined) this.#forget(name, known);
  }

  /** Returns how many more names of one owner fit. */
  roomFor(owner: string): number {
    this.#sweep();
    return Math.min(this.most - this.#seen.size, this.mostOfOne - this.#countOf(owner));
  }

  #known(name: string): Entry | undefined {
    const known = this.#seen.get(name);
    if (known === undefined || known.untilMs > this.nowMs()) return known;
    this.#forget(name, known);
    return undefined;
  }

  /** Forgets expired names, at most once a second. */
  #sweep(): void {
    const nowMs = this.nowMs();
    const second = Math.floor(nowMs / 1_000);
    if (second === this.#sweptAt) return;
    this.#sweptAt = second;
    for (const [end, names] of this.#ending) {
      if (end > second) continue;
      this.#ending.delete(end);
      for (const name of names) {
        const entry = this.#seen.get(name);
        // The name may have been forgotten and seen again since.
        if (entry !== undefined && entry.untilMs <= nowMs) this.#forget(name, entry);
      }
    }
  }

  #forget(name: string, { owner }: Entry): void {
    this.#seen.delete(name);
    if (owner === undefined) return;
    const left = this.#countOf(owner) - 1;
    if (left > 0) this.#owned.set(owner, left);
    else this.#owned.delete(owner);
  }

  #countOf(owner: string | undefined): number {
    return owner === undefined ? 0 : (this.#owned.get(owner) ?? 0);
  }
}

/** A map that keeps only the entries set most recently. */
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
