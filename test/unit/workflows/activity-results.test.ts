import fc from 'fast-check';
import { readEndAccessResult, readProvisionResult } from '../../../src/workflows/results';

const ID = 'request-0001';
const lease = { id: ID, account: 'payments_ci', grantedAtMs: 1_000, expiresAtMs: 2_000 };
const ending = { end: 'expired', atMs: 1_500, cause: 'overdue' };
const refusal = { code: 'TARGET_REFUSED', detail: 'the target has no such role' };

describe('TTA-5 no forged result of an activity can stop a timer', () => {
  test('parses what a connector answers', () => {
    expect(readProvisionResult({ outcome: 'granted', lease }, ID)).toEqual({ outcome: 'granted', lease });
    expect(readProvisionResult({ outcome: 'refused', refusal }, ID)).toEqual({ outcome: 'refused', refusal });
    const review = { dueAtMs: 3_000, reviewers: ['person/amara'] };
    const owing = { outcome: 'granted', lease, review };
    expect(readProvisionResult(owing, ID)).toEqual(owing);
    const nobodys = { ...owing, review: { ...review, reviewers: ['amara'] } };
    expect(readProvisionResult(nobodys, ID)).toEqual({ outcome: 'granted', lease });
    const ended = { outcome: 'ended', lease, ending };
    expect(readProvisionResult(ended, ID)).toEqual(ended);
    expect(readEndAccessResult({ lease, ending }, ID)).toEqual({ lease, ending });
  });

  test.each([
    ['nothing', undefined],
    ['the marker of what cannot be decoded', { undecodable: true }],
    ['a grant without a lease', { outcome: 'granted' }],
    ['the lease of another request', { outcome: 'granted', lease: { ...lease, id: 'request-0002' } }],
    ['a lease without an end', { outcome: 'granted', lease: { ...lease, expiresAtMs: null } }],
    ['a lease that ends at no number', { outcome: 'granted', lease: { ...lease, expiresAtMs: Number.NaN } }],
    ['a refusal without a code', { outcome: 'refused', refusal: { detail: 'x' } }],
    ['a code that nobody knows', { outcome: 'refused', refusal: { code: 'FINE', detail: 'x' } }],
    ['an end without a lease', { outcome: 'ended', ending }],
    ['an end at no time', { outcome: 'ended', lease, ending: { end: 'expired', atMs: '1500' } }],
    ['an end of no kind', { outcome: 'ended', lease, ending: { end: 'barred', atMs: 1_500 } }],
    ['another outcome', { outcome: 'approved', lease }],
  ])('%s is no answer, and the act is tried again', (_what, value) => {
    expect(readProvisionResult(value, ID)).toBeUndefined();
  });

  test('any value is parsed or rejected, never throws, and unknown members are dropped', () => {
    const anything = fc.anything({ withNullPrototype: true, withBigInt: true });
    const outcomes = fc.record({
      outcome: fc.constantFrom('granted', 'ended', 'refused', 'x'),
      ending: fc.oneof(
        anything,
        fc.constant(ending),
        fc.record({ end: anything, atMs: anything, cause: anything }),
      ),
      lease: fc.oneof(
        anything,
        fc.record({ id: fc.constant(ID), account: anything, grantedAtMs: anything, expiresAtMs: anything }),
      ),
      refusal: anything,
    });
    fc.assert(
      fc.property(fc.oneof(anything, outcomes), (value) => {
        const read = readProvisionResult(value, ID);
        readEndAccessResult(value, ID);
        if (read?.outcome === 'granted' || read?.outcome === 'ended')
          expect(Object.keys(read.lease)).toEqual(Object.keys(lease));
        if (read?.outcome === 'refused') expect(Object.keys(read.refusal)).toEqual(Object.keys(refusal));
      }),
    );
  });
});
