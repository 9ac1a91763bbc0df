import {
  anEmergencyRequest,
  DAY,
  HOUR,
  leads,
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
  says,
  saysAbout,
  submit,
  timePasses,
} from '../../support/domain/commands';
import {
  active,
  activeByPolicy,
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
} from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';

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
