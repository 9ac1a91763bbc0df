import fc from 'fast-check';

/** Draws choices from one generated number, so that a whole move is one number and shrinks as one. */
export class Dice {
  constructor(private rest: number) {}

  /** A whole number below `sides`. */
  roll(sides: number): number {
    const rolled = this.rest % sides;
    this.rest = Math.floor(this.rest / sides);
    return rolled;
  }

  /** True one time in `sides`. Smaller numbers, which shrinking leads to, give false. */
  chance(sides: number): boolean {
    return this.roll(sides) === sides - 1;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    const choice = choices[this.roll(choices.length)];
    if (choice === undefined) throw new RangeError('nothing to pick from');
    return choice;
  }
}

export const word = fc.noBias(fc.maxSafeNat());

/** A generated history: one number for the request, and one for each thing that happens to it. */
export const courses = (length: { minLength: number; maxLength: number }) =>
  fc.record({ scenario: word, moves: fc.array(word, { ...length, size: 'max' }) });
