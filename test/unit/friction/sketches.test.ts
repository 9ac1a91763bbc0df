import fc from 'fast-check';
import { Bounded, OTHERS } from '../../../src/friction/bounded';
import { Distinct } from '../../../src/friction/distinct';
import { saySpan } from '../../../src/friction/say';
import { Spans } from '../../../src/friction/spans';

const nearestRank = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? Number.NaN;

describe('FRI-4 quantiles of spans', () => {
  const anyShare = fc.constantFrom(0.01, 0.25, 0.5, 0.9, 0.99, 1);
  const anySpans = (minLength: number, maxLength: number) =>
    fc.array(fc.integer({ min: 0, max: 30 * 86_400_000 }), { minLength, maxLength });

  test('are exact while there are few', () => {
    fc.assert(
      fc.property(anySpans(1, 64), anyShare, (values, share) => {
        const spans = new Spans();
        for (const value of values) spans.add(value);
        expect(spans.quantile(share)).toBe(nearestRank(values, share));
      }),
    );
  });

  test('are within one per cent when there are many, in whatever order they came', () => {
    fc.assert(
      fc.property(anySpans(65, 500), anyShare, (values, share) => {
        const [spans, backwards] = [new Spans(), new Spans()];
        for (const value of values) spans.add(value);
        for (const value of values.toReversed()) backwards.add(value);
        const exact = nearestRank(values, share);
        const found = spans.quantile(share) ?? Number.NaN;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact * 0.0101 + 1);
        expect(backwards.quantile(share)).toBe(found);
      }),
      { numRuns: 50 },
    );
  });

  test('of clocks that disagree are never below nothing, and never without end', () => {
    const spans = new Spans();
    for (const value of [-5, Number.NaN, Number.POSITIVE_INFINITY, 1e300]) spans.add(value);
    expect(spans.count).toBe(2);
    expect(spans.quantile(0.5)).toBe(0);
    expect(spans.quantile(1)).toBe(366 * 86_400_000);
    expect(new Spans().quantile(0.5)).toBeUndefined();
  });
});

describe('FRI-4 distinct things', () => {
  test.each([0, 1, 64])('%i are counted exactly', (many) => {
    const distinct = new Distinct();
    for (let round = 0; round < 3; round += 1)
      for (let one = 0; one < many; one += 1) distinct.add(`person/${one}`);
    expect(distinct.count).toBe(many);
  });

  test.each([65, 500, 3_000, 60_000])('%i are estimated within a tenth', (many) => {
    const distinct = new Distinct();
    for (let one = 0; one < many; one += 1) distinct.add(`person/mira ${480_000 + one}`);
    expect(Math.abs(distinct.count - many) / many).toBeLessThan(0.1);
  });
});

test('FRI-4 names beyond the limit are counted together', () => {
  const bounded = new Bounded(2, () => ({ seen: 0 }));
  for (const name of ['a', 'b', 'c', 'a', 'd']) bounded.of(name).seen += 1;
  expect(bounded.entries()).toEqual([
    ['a', { seen: 2 }],
    ['b', { seen: 1 }],
    [OTHERS, { seen: 2 }],
  ]);
  expect(bounded.named().map(([name]) => name)).toEqual(['a', 'b']);
});

test.each([
  [0, '0ms'],
  [999, '999ms'],
  [1_500, '1.5s'],
  [45_000, '45s'],
  [3_599_600, '1h'],
  [7_500_000, '2h 5m'],
  [30 * 86_400_000, '30d'],
])('FRI-4 %i ms are said as %s', (ms, said) => {
  expect(saySpan(ms)).toBe(said);
});
