import fc from 'fast-check';
import { assessActivity } from '../../../src/activities/assess';
import { isDeeperThan } from '../../../src/contracts/depth';

const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`);

test('TTA-5 levels are counted without recursion', () => {
  expect(isDeeperThan('text', 0)).toBe(false);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), (levels) => {
      expect(isDeeperThan(nested(levels), levels - 1)).toBe(true);
      expect(isDeeperThan(nested(levels), levels)).toBe(false);
    }),
  );
  expect(isDeeperThan(nested(30_000), 64)).toBe(true);
});

test('TTA-5 a submission of ten thousand levels is refused, and does not break what reads it', async () => {
  const nobody = () => {
    throw new Error('is not asked');
  };
  const assess = assessActivity({
    nowMs: Date.now,
    authority: nobody,
    ledger: nobody,
    connector: nobody,
  } as never);
  const submission = { request: { parameters: { arguments: { deep: nested(10_000) } } } };
  expect(await assess(submission, 'access-request/x')).toMatchObject({
    readable: false,
    refusal: { code: 'TOO_LARGE' },
  });
});
