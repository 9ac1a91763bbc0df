import { LIMITS } from '../../../src/domain/limits';
import {
  anEmergencyRequest,
  aRequest,
  DAY,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  permitted,
  START,
} from '../../support/domain/builders';
import {
  accessEnded,
  assess,
  at,
  granted,
  madeAt,
  notProvisioned,
  says,
  saysAbout,
  submit,
  timePasses,
  unverified,
} from '../../support/domain/commands';
import {
  active,
  activeByPolicy,
  awaitingApproval,
  awaitingOneLead,
  expired,
  provisioning,
  rerouted,
} from '../../support/domain/courses';
import {
  BENEFICIARY,
  BYSTANDER,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  OWNER,
  PROCESS_OWNER,
  REQUESTER,
  REVIEWER,
  SECOPS,
  SPONSOR,
  standingOf,
} from '../../support/domain/people';
import { courseOf, given, stateAfter, viewAfter } from '../../support/domain/specification';

const emergency = anEmergencyRequest();
const withReview = needsApproval([leads()], { reviewWithinMs: DAY });

describe('EMG-1 emergency grants are short and end by a timer', () => {
  it('ends at its time, and nothing said in between puts it off', () => {
    const history = activeByPolicy(emergency, { reviewWithinMs: DAY });
    const heckling = [LEAD_1, IAM, REQUESTER].map((who) => at(HOUR, saysAbout(emergency, who, 'approve')));
    given(...history, ...heckling, at(HOUR, granted({ expiresAtMs: START + DAY })))
      .when(at(2 * HOUR, timePasses))
      .thenFollows({ type: 'ending_ordered', end: 'expired' });
  });

  it('a review given early does not put it off', () => {
    given(
      ...activeByPolicy(emergency, { reviewWithinMs: DAY }),
      at(HOUR, saysAbout(emergency, REVIEWER, 'review')),
    )
      .when(at(2 * HOUR, timePasses), at(2 * HOUR, accessEnded))
      .thenFollows('ending_ordered', 'access_ended', 'closed');
  });

  it.each([
    ['whoever asked', REQUESTER],
    ['the identity that has it', BENEFICIARY],
    ['its sponsor', SPONSOR],
    ['its owner', OWNER],
    ['an approver who signed for it', LEAD_1],
    ['security operations', SECOPS],
    ['IAM operations', IAM],
    ['a process owner', PROCESS_OWNER],
  ])('%s can end it sooner', (_, who) => {
    given(...active())
      .when(says(who, 'revoke'))
      .thenFollows({ type: 'ending_ordered', end: 'revoked', by: who });
  });

  it.each([
    ['a bystander', BYSTANDER],
    ['an approver who did not sign', LEAD_3],
    ['the reviewer', REVIEWER],
  ])('%s cannot', (_, who) => {
    given(...active())
      .when(says(who, 'revoke'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('is ended once', () => {
    given(...active(), says(SECOPS, 'revoke'))
      .when(says(IAM, 'revoke'))
      .thenRefused('NOT_NOW');
    given(...active(), says(SECOPS, 'revoke'))
      .when(at(2 * HOUR, timePasses))
      .thenNothingHappened();
    given(...provisioning())
      .when(says(SECOPS, 'revoke'))
      .thenRefused('NOT_NOW');
  });
});

describe('EMG-3 each emergency grant leaves a debt', () => {
  it.each([
    ['no deadline', {}],
    ['nobody who could review', { reviewWithinMs: DAY, reviewers: [] }],
  ])('is refused where the assessment names %s', (_, changes) => {
    for (const assessment of [permitted(changes), needsApproval([leads()], changes)])
      given(submit(emergency)).when(assess(assessment)).thenFollows('recognised', 'assessed', 'refused');
  });

  it('is owed from the grant on, and keeps the request from being closed', () => {
    expect(stateAfter(...active(withReview)).review).toEqual({ phase: 'due', dueAtMs: START + DAY });
    expect(stateAfter(...expired(withReview)).status).toBe('expired');
    expect(stateAfter(...expired()).status).toBe('closed');
  });

  it('is overdue after the deadline, and can still be given', () => {
    given(...expired(withReview))
      .when(at(DAY, timePasses), at(DAY, says(REVIEWER, 'review', madeAt(DAY))))
      .thenFollows('review_overdue', { type: 'reviewed', by: REVIEWER, verdict: 'justified' }, 'closed')
      .andIs('closed');
  });

  it('is owed on time even where a target says it granted in the future', () => {
    const history = [...provisioning(withReview), granted({ grantedAtMs: START + 10 * DAY })];
    expect(stateAfter(...history).review).toEqual({ phase: 'due', dueAtMs: START + DAY });
  });

  it('is given by those whom policy names at the act, as on the record of debts', () => {
    const review = { dueAtMs: START + 2 * DAY, reviewers: [BYSTANDER] };
    const grant = { ...granted(), review } as const;
    const owed = [...provisioning(withReview), grant];
    expect(stateAfter(...owed).review).toEqual({ phase: 'due', dueAtMs: START + DAY });
    given(...owed)
      .when(says(REVIEWER, 'review'))
      .thenRefused('NOT_ELIGIBLE');
    given(...owed)
      .when(says(BYSTANDER, 'review'))
      .thenFollows('reviewed');
    // Policy began to demand it after the request was assessed.
    expect(stateAfter(...provisioning(), grant).review).toEqual({ phase: 'due', dueAtMs: START + 2 * DAY });
  });

  const everyone = [REVIEWER, REQUESTER, SPONSOR, OWNER, LEAD_1, LEAD_2, IAM, BYSTANDER];
  it.each([SPONSOR, OWNER, LEAD_2])('%s who had a part in it cannot give it', (who) => {
    given(...active({ ...withReview, reviewers: everyone }))
      .when(says(who, 'review'))
      .thenRefused('CONFLICTED');
  });

  it('neither who rerouted nor who confirmed can give it', () => {
    const history = [
      ...rerouted({ ...withReview, reviewers: everyone }),
      says(LEAD_2, 'approve', { revision: 1 }),
      says(LEAD_3, 'approve', { revision: 1 }),
      granted(),
    ];
    given(...history)
      .when(says(IAM, 'review'))
      .thenRefused('CONFLICTED');
    const confirmation = { by: [BYSTANDER], before: 'execution' as const };
    const confirmed = [
      ...awaitingOneLead({
        ...withReview,
        confirmation,
        reviewers: everyone,
        path: { name: 'one', stages: [leads({ quorum: 1 })] },
      }),
      says(LEAD_1, 'approve'),
      says(BYSTANDER, 'confirm'),
      granted(),
    ];
    given(...confirmed)
      .when(says(BYSTANDER, 'review'))
      .thenRefused('CONFLICTED');
  });

  it('is given by a reviewer of this request, with a verdict, once, and only where it is owed', () => {
    given(...active(withReview))
      .when(says(BYSTANDER, 'review'))
      .thenRefused('NOT_ELIGIBLE');
    given(...active(withReview))
      .when(says(REVIEWER, 'review', { verdict: undefined } as object))
      .thenRefused('MALFORMED');
    given(...active(withReview), says(REVIEWER, 'review'))
      .when(says(REVIEWER, 'review', { jti: 'again' }))
      .thenRefused('NOT_NOW');
    given(...active())
      .when(says(REVIEWER, 'review'))
      .thenRefused('NOT_NOW');
  });
});

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
