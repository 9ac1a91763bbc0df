import type { Command } from '../../../src/domain/command';
import { nextEffect } from '../../../src/domain/effect';
import { awaited, effectiveApprovers, reviewersOf } from '../../../src/domain/stages';
import { DAY, HOUR, leads, needsApproval, permitted, START, security } from '../../support/domain/builders';
import {
  accessEnded,
  assess,
  at,
  barred,
  granted,
  says,
  submit,
  timePasses,
  unverified,
} from '../../support/domain/commands';
import {
  active,
  awaitingApproval,
  awaitingOneLead,
  expired,
  provisioning,
} from '../../support/domain/courses';
import {
  BYSTANDER,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  LEAD_IN_SECURITY,
  PROCESS_OWNER,
  REVIEWER,
  SECOPS,
  SECURITY_1,
  SPONSOR,
  STANDBY,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';
import { replacing } from '../../support/domain/statements';

describe('AUD-2 what cannot be verified is on record with what it claims, and no more', () => {
  const refusal = { code: 'BAD_SIGNATURE', detail: 'it does not hold' } as const;
  const attempt = (claims: object) => ({
    type: 'consider' as const,
    atMs: START,
    check: { verified: false as const, attempt: { refusal, ...claims } },
  });

  it('who it claims to be from, and which statement it claims to be', () => {
    given(...awaitingOneLead())
      .when(attempt({ claimedVerb: 'deny', claimedIssuer: LEAD_1, claimedId: 'deny-1' }))
      .thenFollows({ type: 'statement_refused', refusal, verb: 'deny', by: LEAD_1, jti: 'deny-1' });
  });

  it('nothing of that where nothing could be read', () => {
    const { events, state } = given(...awaitingOneLead()).when(attempt({}));
    expect(events).toEqual([{ type: 'statement_refused', atMs: START, refusal }]);
    expect(state?.refusals).toEqual([{ atMs: START, refusal }]);
  });

  it('what has been refused stays what it was, and who said it', () => {
    const state = stateAfter(
      ...awaitingOneLead(),
      says(BYSTANDER, 'approve'),
      unverified({ code: 'UNKNOWN_KEY', detail: 'nobody has this key' }),
    );
    expect(state.refusals).toMatchObject([
      { atMs: START, verb: 'approve', by: BYSTANDER, refusal: { code: 'NOT_ELIGIBLE' } },
      { verb: 'approve', by: 'person/somebody', refusal: { code: 'UNKNOWN_KEY' } },
    ]);
  });
});

describe('AUD-2 what the outside reports twice, or out of turn, is on record once or not at all', () => {
  it('access ends once, and only where its end was ordered', () => {
    given(...expired(needsApproval([leads()], { reviewWithinMs: DAY })))
      .when(at(2 * HOUR, accessEnded))
      .thenNothingHappened();
    given(...active())
      .when(accessEnded)
      .thenNothingHappened();
  });

  it('a bar is put once, and only on what ended without access', () => {
    const denied = [...awaitingOneLead(), says(LEAD_1, 'deny')];
    given(...denied)
      .when(barred, barred)
      .thenFollows('barred');
    for (const history of [awaitingOneLead(), provisioning(), active(), expired()])
      given(...history)
        .when(barred)
        .thenNothingHappened();
  });

  it('a request is submitted once, and assessed once', () => {
    for (const history of [awaitingOneLead(), active(), expired()])
      given(...history)
        .when(submit(), assess(permitted()), {
          type: 'reject_submission',
          atMs: START,
          refusal: { code: 'MALFORMED', detail: 'not a request' },
        })
        .thenNothingHappened();
  });

  it('what was never submitted has no course', () => {
    given().when(timePasses, assess(), granted(), accessEnded, barred).thenNothingHappened();
  });

  it('when a request is over, everybody hears that, whoever they are', () => {
    const over = [...awaitingOneLead(), says(LEAD_1, 'deny'), barred];
    for (const history of [over, expired()])
      for (const [who, verb] of [
        [BYSTANDER, 'approve'],
        [LEAD_2, 'approve'],
        [BYSTANDER, 'reroute'],
        [PROCESS_OWNER, 'cancel'],
        [BYSTANDER, 'revoke'],
      ] as const)
        given(...history)
          .when(says(who, verb, { jti: 'late' }))
          .thenRefused('NOT_NOW');
  });
});

describe('AUD-5 who is awaited', () => {
  const confirmation = { by: [SPONSOR], before: 'execution' as const };
  const withReview = needsApproval([leads()], { reviewWithinMs: DAY });

  it.each<[string, readonly Command[], readonly string[]]>([
    ['everyone of the open stage who has not spoken', awaitingApproval(), [LEAD_1, LEAD_2, LEAD_3]],
    ['not those who have', [...awaitingApproval(), says(LEAD_2, 'approve')], [LEAD_1, LEAD_3]],
    [
      'the confirmation, once all have approved',
      provisioning(needsApproval([leads()], { confirmation })),
      [SPONSOR],
    ],
    ['nobody while policy looks', [submit()], []],
    ['nobody while the target is asked', provisioning(), []],
    ['nobody while there is access, for its review comes after', active(withReview), []],
    ['the reviewers when it has ended', expired(withReview), [REVIEWER]],
    ['the reviewers when it is overdue', [...expired(withReview), at(DAY, timePasses)], [REVIEWER]],
    ['nobody when all is done', expired(), []],
  ])('%s', (_, history, expected) => {
    expect(awaited(stateAfter(...history))).toEqual(expected);
  });

  it('a change of one stage changes no other, though the same person could decide both', () => {
    const stages = [
      leads({ eligible: [LEAD_1, LEAD_IN_SECURITY], quorum: 1 }),
      security({ eligible: [SECURITY_1, LEAD_IN_SECURITY] }),
    ];
    const state = stateAfter(
      ...awaitingApproval(needsApproval(stages)),
      says(IAM, 'reroute', { stage: 'leads', ...replacing(LEAD_IN_SECURITY, SUBSTITUTE_1) }),
    );
    expect(stages.map((stage) => effectiveApprovers(state, stage))).toEqual([
      [LEAD_1, SUBSTITUTE_1],
      [SECURITY_1, LEAD_IN_SECURITY],
    ]);
    const decided = says(SUBSTITUTE_1, 'approve', { revision: 1 });
    given(
      ...awaitingApproval(needsApproval(stages)),
      says(IAM, 'reroute', { stage: 'leads', ...replacing(LEAD_IN_SECURITY, SUBSTITUTE_1) }),
      decided,
    )
      .when(says(LEAD_IN_SECURITY, 'approve', { revision: 1 }))
      .thenFollows(
        { type: 'approval_counted', stage: 'security' },
        'stage_completed',
        'approved',
        'provisioning_started',
      );
  });

  it('an emergency reroute calls its reviewers once it is endorsed, not before', () => {
    const proposed = [
      ...awaitingOneLead({ privileged: true, reviewers: [] }),
      says(IAM, 'reroute', { emergencyCondition: 'nobody-answers', ...replacing(LEAD_1, STANDBY) }),
    ];
    expect(reviewersOf(stateAfter(...proposed))).toEqual([]);
    expect(reviewersOf(stateAfter(...proposed, says(SECOPS, 'endorse')))).toEqual([REVIEWER]);
  });
});

describe('EMG-2 what a request calls for next', () => {
  const denied = [...awaitingOneLead(), says(LEAD_1, 'deny')];
  it.each<[string, readonly Command[], ReturnType<typeof nextEffect>]>([
    ['an assessment', [submit()], 'assess'],
    ['nothing while people decide', awaitingApproval(), undefined],
    ['the act', provisioning(), 'provision'],
    ['nothing while access lasts', active(), undefined],
    ['its end, when it was ordered', [...active(), says(SECOPS, 'revoke')], 'end_access'],
    ['nothing when it has ended', expired(), undefined],
    ['a bar, where it ended without access', denied, 'bar'],
    ['nothing when the bar is there', [...denied, barred], undefined],
  ])('%s', (_, history, effect) => {
    expect(nextEffect(stateAfter(...history))).toBe(effect);
  });
});
