import { assert, constant, constantFrom, option, property, record } from 'fast-check';
import { EXIT_CODES, outcomeOf } from '../../../../src/cli/wait/outcome';
import { STATUSES } from '../../../../src/domain/status';
import { type RequestStanding, standingSchema } from '../../../../src/enforcement/requester';

const REQUEST = {
  id: 'request-0001',
  kind: 'access',
  requester: 'ci/payments',
  beneficiary: 'ci/payments',
  onBehalfOf: [],
  entitlement: { connector: 'warehouse', resource: 'payments', action: 'write' },
  durationMs: 900_000,
  emergency: false,
  reason: 'a test',
  submittedAtMs: 1_700_000_000_000,
};
const standing = (over: object): RequestStanding =>
  standingSchema.parse({ request: REQUEST, proof: { holds: true }, status: 'active', awaiting: [], ...over });
const later = { ...REQUEST, notBeforeMs: 1_800_000_000_000 };
const exitCode = (over: object): number | undefined => {
  const outcome = outcomeOf(standing(over));
  return outcome && EXIT_CODES[outcome.ending];
};

describe('FRI-2 the exit code of wait says how a request was decided', () => {
  test.each([
    [{ status: 'active' }, 0],
    [{ status: 'approved', request: later }, 0],
    [{ status: 'closed', execution: { outcome: 'succeeded' } }, 0],
    [{ status: 'closed', execution: { outcome: 'failed' } }, 3],
    [{ status: 'closed' }, 3],
    [{ status: 'expired' }, 3],
    [{ status: 'revoked' }, 3],
    [{ status: 'denied' }, 3],
    [{ status: 'cancelled' }, 3],
    [{ status: 'withdrawn' }, 3],
    [{ status: 'refused' }, 3],
    [{ status: 'hard_stopped' }, 3],
    [{ status: 'failed' }, 3],
    [{ status: 'lapsed' }, 4],
    [{ status: 'submitted' }, undefined],
    [{ status: 'awaiting_approval', awaiting: ['person/mira'] }, undefined],
    [{ status: 'approved' }, undefined],
    [{ status: 'approved', request: later, awaiting: ['person/ines'] }, undefined],
    [{ status: 'provisioning' }, undefined],
    [{ status: 'active', proof: { holds: false, why: 'x' } }, 1],
    [{ status: 'active', proof: undefined }, 1],
    [{ status: 'active', gone: { workflow: 'TERMINATED', says: 'the access is gone' } }, 1],
  ])('%j exits with %p', (over, expected) => expect(exitCode(over)).toBe(expected));

  test('what the gateway did not derive, or what it does not know, is never an approval', () => {
    const made = record({
      status: constantFrom(...STATUSES, 'something else'),
      request: constantFrom(REQUEST, later),
      awaiting: constantFrom([], ['person/mira']),
      execution: option(record({ outcome: constantFrom('succeeded', 'failed') }), { nil: undefined }),
      proof: constantFrom(undefined, { holds: false }),
      until: constant('2026-01-01T00:00:00Z'),
    });
    assert(property(made, (over) => exitCode(over) !== 0));
    expect(exitCode({ status: 'something else' })).toBe(3);
  });
});
