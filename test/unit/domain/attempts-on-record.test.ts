import { LIMITS } from '../../../src/domain/limits';
import { aRequest, DAY, leads, MINUTE, needsApproval, START } from '../../support/domain/builders';
import {
  assess,
  at,
  granted,
  madeAt,
  notProvisioned,
  says,
  submit,
  unverified,
} from '../../support/domain/commands';
import {
  active,
  awaitingApproval,
  awaitingOneLead,
  expired,
  provisioning,
  rerouted,
} from '../../support/domain/courses';
import { BYSTANDER, LEAD_1, LEAD_2, LEAD_3, REVIEWER, SECOPS, standingOf } from '../../support/domain/people';
import { courseOf, given, stateAfter, viewAfter } from '../../support/domain/specification';

const withReview = needsApproval([leads()], { reviewWithinMs: DAY });

describe('AUD-2 every attempt is on record, refused ones too', () => {
  it('with who, what, when and a reason code', () => {
    given(...awaitingOneLead())
      .when(at(MINUTE, says(BYSTANDER, 'approve')))
      .thenFollows({
        type: 'statement_refused',
        atMs: START + MINUTE,
        verb: 'approve',
        by: BYSTANDER,
        jti: `approve-by-${BYSTANDER}`,
        refusal: expect.objectContaining({ code: 'NOT_ELIGIBLE' }),
      });
  });

  it('an accepted statement is recorded with how it was proved and exactly as received', () => {
    const accepted = courseOf(...awaitingOneLead(), says(LEAD_1, 'approve')).find(
      (event) => event.type === 'statement_accepted',
    );
    expect(accepted).toMatchObject({
      accepted: {
        statement: { iss: LEAD_1, verb: 'approve' },
        keyId: `key-of-${LEAD_1}`,
        assurance: 'key',
        channel: 'cli',
        envelope: { format: 'jws' },
      },
    });
  });

  it('keeps 32 refusals word for word and counts the rest', () => {
    const knocks = Array.from({ length: 40 }, () =>
      unverified({ code: 'BAD_SIGNATURE', detail: 'it does not hold' }),
    );
    const state = stateAfter(...awaitingOneLead(), ...knocks);
    expect(state.refusals).toHaveLength(32);
    expect(state.refusalCount).toBe(40);
  });

  it('counts what found no room in the inbox', () => {
    given(...awaitingOneLead())
      .when({ type: 'record_dropped', atMs: START, count: 3 })
      .thenFollows({ type: 'statements_dropped', count: 3 });
    given(...awaitingOneLead())
      .when({ type: 'record_dropped', atMs: START, count: 0 })
      .thenNothingHappened();
  });

  it('attempts on a request that is over are on record, too', () => {
    given(...expired())
      .when(says(SECOPS, 'revoke'))
      .thenRefused('NOT_NOW')
      .andIs('closed');
  });

  it('why nothing was carried out is on record', () => {
    given(...provisioning())
      .when(notProvisioned)
      .thenFollows({ type: 'provisioning_failed' })
      .andIs('failed');
    given(...active())
      .when(notProvisioned)
      .thenNothingHappened();
  });

  it('takes 64 statements and no more, two of them kept free for those that end or review', () => {
    const history = awaitingApproval(withReview);
    const places = LIMITS.acceptedStatements - LIMITS.closingStatements;
    const end = places + 1;
    // Approvals that lapse at once use up all places but two; the two that count come last.
    for (let n = 0; n < places - 2; n += 1)
      history.push(at(n, says(LEAD_3, 'approve', { jti: `brief-${n}`, ...madeAt(n, 1) })));
    history.push(at(end, says(LEAD_1, 'approve')), at(end, says(LEAD_2, 'approve')));
    expect(stateAfter(...history).statements).toHaveLength(places);
    given(...history)
      .when(at(end, says(LEAD_3, 'approve')))
      .thenRefused('RATE_LIMITED');
    given(...history, at(end, granted()))
      .when(at(end, says(SECOPS, 'revoke')), at(end, says(REVIEWER, 'review')))
      .thenFollows('ending_ordered', 'reviewed');
  });
});

describe('FRI-7 exceptions are short-lived, and nothing outlives the identity behind them', () => {
  const daysLeft = 1;
  const assessment = needsApproval([leads()], { maxDurationMs: daysLeft * DAY });

  it('a grant that would outlive what policy leaves of the identity is refused', () => {
    given(submit(aRequest({ durationMs: daysLeft * DAY + 1 })))
      .when(assess(assessment))
      .thenFollows('recognised', 'assessed', 'refused');
  });

  it('a reroute neither lengthens the grant nor the life of the request', () => {
    const before = viewAfter(...awaitingApproval(assessment));
    const after = viewAfter(...rerouted(assessment));
    expect(after.submission).toEqual(before.submission);
    expect(after.assessment).toEqual(before.assessment);
    expect(after.stageOpenedAtMs).toBe(before.stageOpenedAtMs);
  });

  it('an approver past their end date does not count', () => {
    const signer = { ...standingOf(LEAD_1), active: false };
    given(...awaitingApproval())
      .when(says(LEAD_1, 'approve', {}, { signer }))
      .thenRefused('DISABLED_IDENTITY');
  });
});
