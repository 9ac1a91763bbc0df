import fc from 'fast-check';
import type { Command } from '../../../src/domain/command';
import { proveAuthorised } from '../../../src/domain/prove';
import { DAY, HOUR, leads, MINUTE, needsApproval, START, security } from '../../support/domain/builders';
import { at, barred, granted, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { tries } from '../../support/domain/effort';
import { evidence, kept } from '../../support/domain/evidence';
import {
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  REQUESTER,
  SECURITY_1,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory } from '../../support/domain/ports';
import { given, stateAfter, viewAfter } from '../../support/domain/specification';

const GENEROUS = { grantedAtMs: START, expiresAtMs: START + 30 * DAY };
const endOf = (...history: readonly Command[]) => {
  const state = stateAfter(...history);
  return state.phase === 'granted' ? state.lease.expiresAtMs - START : state.status;
};
const twoSay = (first: number | undefined, second: number | undefined) => [
  ...awaitingApproval(),
  says(LEAD_1, 'approve', first === undefined ? {} : { durationMs: first }),
  says(LEAD_2, 'approve', second === undefined ? {} : { durationMs: second }),
];

describe('WEB-4, TTA-3 an approver says yes to less time than was asked', () => {
  it.each([
    [HOUR, undefined, HOUR],
    [undefined, HOUR, HOUR],
    [HOUR, 30 * MINUTE, 30 * MINUTE],
    [30 * MINUTE, HOUR, 30 * MINUTE],
    [2 * HOUR, 2 * HOUR, 2 * HOUR],
    [undefined, undefined, 2 * HOUR],
  ])('of %p and %p the shortest counts', (first, second, spanMs) => {
    const history = [...twoSay(first, second), granted(GENEROUS)];
    expect(endOf(...history)).toBe(spanMs);
    given(...history)
      .when(at(spanMs - 1, timePasses))
      .thenNothingHappened();
    given(...history)
      .when(at(spanMs, timePasses))
      .thenFollows('ending_ordered');
  });

  it('and never to more', () => {
    given(...awaitingApproval())
      .when(says(LEAD_1, 'approve', { durationMs: 2 * HOUR + 1 }))
      .thenRefused('MALFORMED');
  });

  it('is on record with the approval, and what was said can be read', () => {
    const view = viewAfter(...twoSay(HOUR, undefined));
    expect(view.approvals).toEqual([
      expect.objectContaining({ by: LEAD_1, durationMs: HOUR }),
      expect.not.objectContaining({ durationMs: expect.anything() }),
    ]);
    expect(view.decisions.map(({ durationMs }) => durationMs)).toEqual([HOUR, undefined]);
  });

  it('counts for every stage, and for whoever was put in by a reroute', () => {
    const staged = needsApproval([leads({ quorum: 1 }), security()]);
    const history = [
      ...awaitingApproval(staged),
      says(IAM, 'reroute'),
      says(SUBSTITUTE_1, 'approve', { durationMs: HOUR, revision: 1, ...madeAt(0, DAY) }),
      says(SECURITY_1, 'approve', { revision: 1 }),
      granted(GENEROUS),
    ];
    expect(endOf(...history)).toBe(HOUR);
  });

  it('counts no more once that approval has lapsed and another took its place', () => {
    const history = [
      ...awaitingApproval(needsApproval([leads({ expireAfterMs: DAY })])),
      says(LEAD_1, 'approve', { durationMs: MINUTE, ...madeAt(0, HOUR) }),
      at(HOUR, timePasses),
      at(HOUR, says(LEAD_2, 'approve')),
      at(HOUR, says(LEAD_3, 'approve')),
    ];
    const lease = { grantedAtMs: START + HOUR, expiresAtMs: START + 30 * DAY };
    expect(endOf(...history, at(HOUR, granted(lease)))).toBe(3 * HOUR);
  });

  it('bounds access that a bar ended before it was known, too', () => {
    const lease = { id: 'request-0001', account: 'svc_beneficiary', ...GENEROUS };
    const withdrawn = [...twoSay(HOUR, undefined), says(REQUESTER, 'withdraw')];
    const held = { ...barred, held: { lease, endedAtMs: START + MINUTE } };
    expect(viewAfter(...withdrawn, held).held?.lease.expiresAtMs).toBe(START + HOUR);
  });

  it('the proof has the shortest of what was asked and approved, whatever was said in which order', async () => {
    const span = fc.option(fc.integer({ min: 1, max: 3 * HOUR }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(span, span, async (first, second) => {
        const said = (durationMs: number | undefined) => (durationMs === undefined ? {} : { durationMs });
        const offered = evidence({
          statements: [kept(LEAD_1, 'approve', said(first)), kept(LEAD_2, 'approve', said(second))],
        });
        const proof = await proveAuthorised(
          offered,
          START + 2 * MINUTE,
          new DirectoryInMemory(),
          new PolicyInMemory(),
        );
        const tooLong = [first, second].some((one) => (one ?? 0) > 2 * HOUR);
        expect(proof.ok).toBe(!tooLong);
        if (proof.ok)
          expect(proof.value.terms.durationMs).toBe(
            Math.min(2 * HOUR, first ?? 2 * HOUR, second ?? 2 * HOUR),
          );
      }),
      { numRuns: tries(200) },
    );
  });
});
