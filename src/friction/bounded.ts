/** The name under which everything beyond the limit is counted. */
export const OTHERS = '(others)';

/** Tallies by name, up to a limit. Further names share one tally, named `OTHERS`. */
export class Bounded<Tally> {
  readonly #tallies = new Map<string, Tally>();

  constructor(
    private readonly limit: number,
    private readonly make: () => Tally,
  ) {}

  of(name: string): Tally {
    const known = this.#tallies.get(name);
    if (known !== undefined) return known;
    const key = this.#tallies.size < this.limit ? name : OTHERS;
    const tally = this.#tallies.get(key) ?? this.make();
    this.#tallies.set(key, tally);
    return tally;
  }

  /** Tallies by name, without `OTHERS`. */
  named(): readonly (readonly [string, Tally])[] {
    return [...this.#tallies].filter(([name]) => name !== OTHERS);
  }

  entries(): readonly (readonly [string, Tally])[] {
    return [...this.#tallies];
  }
}
