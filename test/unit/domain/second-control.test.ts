import { nextDeadline } from '../../../src/domain/clock';
import { awaited } from '../../../src/domain/stages';
import { VERBS } from '../../../src/domain/statement';
import { aRequest, HOUR, leads, needsApproval, permitted, recognition } from '../../support/domain/builders';
import {
  assess,
  at,
  granted,
  madeAt,
  says,
  submit,
  timePasses,
  unverified,
} from '../../support/domain/commands';
import { awaitingApproval, awaitingOneLead, provisioning } from '../../support/domain/courses';
import {
  BENEFICIARY,
  BYSTANDER,
  DISABLED_LEAD,
  EVERYBODY,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  OWNER,
  REQUESTER,
  ROGUE_BOT,
  SPONSOR,
  standingOf,
} from '../../support/domain/people';
import { courseOf, given, stateAfter } from '../../support/domain/specification';

describe('TTA-4 a second control over scope and intent', () => {
  const bySponsor = (before: 'approval' | 'execution') => ({ confirmation: { by: [SPONSOR], before } });

  it('before approval: approvers are not asked until it is there', () => {
    given(...awaitingOneLead(bySponsor('approval')))
      .when(says(LEAD_1, 'approve'))
      .thenRefused('NOT_NOW');
    given(...awaitingOneLead(bySponsor('approval')))
      .when(says(SPONSOR, 'confirm'), says(LEAD_1, 'approve'))
      .thenFollows(
        'confirmed',
        'stage_opened',
        'approval_counted',
        'stage_completed',
        'approved',
        'provisioning_started',
      );
  });

  it('before execution: an approved request waits for it, also one that policy permits', () => {
    given(...awaitingOneLead(bySponsor('execution')))
      .when(says(LEAD_1, 'approve'))
      .thenFollows('approval_counted', 'stage_completed', 'approved')
      .andIs('approved');
    given(submit(), assess(permitted(bySponsor('execution'))))
      .when(granted(), says(SPONSOR, 'confirm'))
      .thenFollows({ type: 'confirmed', by: SPONSOR }, 'provisioning_started');
  });

  it('counts no longer than its statement lives', () => {
    given(...awaitingOneLead(bySponsor('execution')), says(SPONSOR, 'confirm', madeAt(0, HOUR / 2)))
      .when(at(HOUR / 2, says(LEAD_1, 'approve')))
      .thenFollows('confirmation_lapsed', 'approval_counted', 'stage_completed', 'approved')
      .andIs('approved');
    const carriedOut = [
      ...awaitingOneLead(bySponsor('execution')),
      says(SPONSOR, 'confirm', madeAt(0, HOUR / 2)),
      says(LEAD_1, 'approve'),
    ];
    given(...carriedOut)
      .when(at(HOUR / 2, says(BYSTANDER, 'deny')))
      .thenFollows('provisioning_failed', 'statement_refused');
  });

  it('where it has lapsed before approval, those are awaited, reminded and waited for who can give it', () => {
    const lapsed = stateAfter(
      ...awaitingApproval(needsApproval([leads()], bySponsor('approval'))),
      says(SPONSOR, 'confirm', madeAt(0, HOUR / 2)),
      at(HOUR / 2, timePasses),
    );
    expect(awaited(lapsed)).toEqual([SPONSOR]);
    expect(nextDeadline(lapsed)).toMatchObject({ event: { type: 'reminded', awaiting: [SPONSOR] } });
  });

  it('a lapsed confirmation before approval is needed again before anyone approves', () => {
    given(
      ...awaitingApproval(needsApproval([leads()], bySponsor('approval'))),
      says(SPONSOR, 'confirm', madeAt(0, HOUR / 2)),
      says(LEAD_1, 'approve'),
    )
      .when(
        at(HOUR / 2, says(LEAD_2, 'approve')),
        at(HOUR / 2, says(SPONSOR, 'confirm', { jti: 'again' })),
        at(HOUR / 2, says(LEAD_2, 'approve')),
      )
      .thenFollows(
        'confirmation_lapsed',
        'statement_refused',
        'confirmed',
        'stage_opened',
        'approval_counted',
        'stage_completed',
        'approved',
        'provisioning_started',
      );
  });

  it.each([
    ['by the key that the request came by', { keyId: recognition.keyId }],
    ['by the channel that the request came by', { channel: recognition.channel }],
  ])('does not count %s', (_, facts) => {
    given(...awaitingOneLead(bySponsor('approval')))
      .when(says(SPONSOR, 'confirm', {}, facts))
      .thenRefused('CONFLICTED');
  });

  it('does not count from the requester, even where policy names them', () => {
    const history = awaitingOneLead({ confirmation: { by: [REQUESTER], before: 'approval' } });
    const signer = { ...standingOf(REQUESTER), kind: 'person' } as const;
    given(...history)
      .when(says(REQUESTER, 'confirm', {}, { signer, keyId: 'another' }))
      .thenRefused('CONFLICTED');
  });

  it('does not count from anybody else, nor twice, nor where none was asked for', () => {
    for (const who of [OWNER, LEAD_1, BYSTANDER])
      given(...awaitingOneLead(bySponsor('approval')))
        .when(says(who, 'confirm'))
        .thenRefused('NOT_ELIGIBLE');
    given(...awaitingOneLead())
      .when(says(SPONSOR, 'confirm'))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingOneLead(bySponsor('approval')), says(SPONSOR, 'confirm'))
      .when(says(SPONSOR, 'confirm', { jti: 'again' }))
      .thenRefused('NOT_NOW');
  });
});

describe('TTA-5 being able to send is not authority', () => {
  it('what could not be verified is refused and recorded as what it claims to be', () => {
    given(...awaitingOneLead())
      .when(unverified({ code: 'BAD_SIGNATURE', detail: 'the signature does not hold' }))
      .thenFollows({ type: 'statement_refused', verb: 'approve', by: 'person/somebody' })
      .andIs('awaiting_approval');
  });

  it('a second submission or assessment changes nothing', () => {
    given(...awaitingOneLead())
      .when(submit(aRequest({ durationMs: 1 })), assess(permitted()))
      .thenNothingHappened();
  });
});

describe('TTA-6 standing is looked at when it matters', () => {
  it.each([
    ['disabled meanwhile', 'DISABLED_IDENTITY', { ...standingOf(LEAD_1), active: false }],
    ['no longer in the group', 'NOT_ELIGIBLE', { ...standingOf(LEAD_1), groups: ['sales'] }],
  ] as const)('an approver who is %s does not count', (_, code, signer) => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', {}, { signer }))
      .thenRefused(code);
  });

  it('someone on the list who is disabled does not count', () => {
    const stage = leads({ eligible: [DISABLED_LEAD, LEAD_1] });
    given(...awaitingApproval(needsApproval([stage])))
      .when(says(DISABLED_LEAD, 'approve'))
      .thenRefused('DISABLED_IDENTITY');
  });

  it('a substitute does not count by being one, without a reroute', () => {
    const signer = { ...standingOf(LEAD_3), groups: ['substitutes'] };
    given(...awaitingApproval())
      .when(says(LEAD_3, 'approve', {}, { signer }))
      .thenRefused('NOT_ELIGIBLE');
  });
});

describe('TTA-7 non-human identities never approve, confirm, review, reroute or cancel', () => {
  const nonHumans = EVERYBODY.filter((id) => !id.startsWith('person/'));

  it.each(nonHumans)('%s can at most withdraw and give back', (who) => {
    const signer = { ...standingOf(who), ...standingOf(ROGUE_BOT), id: who };
    for (const verb of VERBS.filter((one) => !['withdraw', 'revoke', 'report'].includes(one)))
      given(...awaitingApproval(needsApproval([leads({ eligible: [LEAD_1, ROGUE_BOT] })])))
        .when(says(who, verb, {}, { signer }))
        .thenRefused('NOT_HUMAN');
  });

  it('the requester withdraws, the beneficiary gives back', () => {
    given(...awaitingApproval())
      .when(says(REQUESTER, 'withdraw'))
      .thenFollows('withdrawn');
    const history = [...provisioning(), granted()];
    given(...history)
      .when(says(BENEFICIARY, 'revoke'))
      .thenFollows({ type: 'ending_ordered', end: 'revoked' });
    given(...history)
      .when(says(ROGUE_BOT, 'revoke'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('a bot fills no place of a quorum', () => {
    const stage = leads({ eligible: [LEAD_1, ROGUE_BOT], quorum: 2 });
    const events = courseOf(
      ...awaitingApproval(needsApproval([stage])),
      says(LEAD_1, 'approve'),
      says(ROGUE_BOT, 'approve'),
    );
    expect(events.filter((event) => event.type === 'approval_counted')).toHaveLength(1);
  });
});
