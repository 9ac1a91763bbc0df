/** Stands for everything that came after the room for names was taken. */
export const OTHERS = '(others)';

/** Tallies by name, of which there is a limit: what is beyond it is counted together, and said to be. */
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

  /** By name, without what was counted together. */
  named(): readonly (readonly [string, Tally])[] {
    return [...this.#tallies].filter(([name]) => name !== OTHERS);
  }

  entries(): readonly (readonly [string, Tally])[] {
    return [...this.#tallies];
  }
}
