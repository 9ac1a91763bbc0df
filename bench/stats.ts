/** Returns the value below which the given share of the sorted values lies. */
export const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

export const sorted = (values: readonly number[]): readonly number[] => [...values].sort((a, b) => a - b);

export const median = (values: readonly number[]): number => quantile(sorted(values), 0.5);

/** The median over rounds, with the lowest and the highest round. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const inOrder = sorted(values);
  return {
    median: quantile(inOrder, 0.5),
    low: inOrder[0] ?? Number.NaN,
    high: inOrder.at(-1) ?? Number.NaN,
  };
}
