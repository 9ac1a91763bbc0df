import { VERBS } from '../../../src/domain/statement';
import {
  aRequest,
  DAY,
  HOUR,
  leads,
  needsApproval,
  permitted,
  recognition,
  START,
} from '../../support/domain/builders';
import {
  assess,
  at,
  granted,
  madeAt,
  says,
  saysAbout,
  submit,
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
import { courseOf, given } from '../../support/domain/specification';

describe('TTA-1 recognition and approval are separate facts', () => {
  it('are recorded as events of their own', () => {
    given(submit())
      .when(assess())
      .thenFollows({ type: 'recognised', recognition }, 'assessed', { type: 'stage_opened', stage: 'leads' });
  });

  it('a requester recognised ever so well gets nothing by it', () => {
    const well = { ...assess(), recognition: { ...recognition, assurance: 'phishing-resistant' as const } };
    given(submit())
      .when(well)
      .thenFollows('recognised', 'assessed', 'stage_opened')
      .andIs('awaiting_approval');
  });
});

describe('TTA-2 nothing executes without an independent verification', () => {
  it('policy alone lets a request through only where it says so, and that is recorded', () => {
    given(submit())
      .when(assess(permitted()))
      .thenFollows('recognised', 'assessed', 'permitted', 'provisioning_started');
  });

  it.each([
    ['nothing was submitted', []],
    ['it was not assessed', [submit()]],
    ['approvals are awaited', awaitingApproval()],
    ['one approval is missing', [...awaitingApproval(), says(LEAD_1, 'approve')]],
    ['it was withdrawn meanwhile', [...provisioning(), says(REQUESTER, 'withdraw')]],
  ])('a grant that is reported while %s is not believed', (_, history) => {
    given(...history)
      .when(granted())
      .thenNothingHappened();
  });
});

describe('TTA-3 approval is bound to the exact request', () => {
  it.each([
    ['a longer duration', aRequest({ durationMs: 3 * HOUR })],
    ['another beneficiary', aRequest({ beneficiary: 'service/other' })],
    [
      'another target',
      aRequest({ entitlement: { connector: 'postgres', resource: 'payroll', action: 'write' } }),
    ],
    ['another id', aRequest({ id: 'request-0002' })],
  ])('one signed for %s does not count', (_, other) => {
    given(...awaitingOneLead())
      .when(saysAbout(other, LEAD_1, 'approve'))
      .thenRefused('DIGEST_MISMATCH');
  });

  it('the right digest with another id does not count, nor the right id with another digest', () => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', { request: 'request-0002' }))
      .thenRefused('DIGEST_MISMATCH');
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', { digest: 'sha-256:' }))
      .thenRefused('DIGEST_MISMATCH');
  });

  it('no statement counts for what could not be read', () => {
    const rejected = {
      type: 'reject_submission',
      atMs: START,
      refusal: { code: 'MALFORMED', detail: '' },
    } as const;
    given(rejected).when(says(LEAD_1, 'approve')).thenRefused('DIGEST_MISMATCH').andIs('refused');
  });

  it('a statement counts once, also for another verb or in the name of another', () => {
    const history = [...awaitingApproval(), says(LEAD_1, 'approve', { jti: 'once' })];
    given(...history)
      .when(says(LEAD_1, 'approve', { jti: 'once' }))
      .thenRefused('REPLAYED');
    given(...history)
      .when(says(LEAD_1, 'deny', { jti: 'once' }))
      .thenRefused('REPLAYED');
    given(...history)
      .when(says(LEAD_2, 'approve', { jti: 'once' }))
      .thenRefused('REPLAYED');
  });

  it('a statement of which the effect has lapsed cannot be used again', () => {
    const short = says(LEAD_1, 'approve', madeAt(0, HOUR / 2));
    given(...awaitingApproval(), short)
      .when(at(HOUR / 2, says(LEAD_1, 'approve')))
      .thenFollows('approval_lapsed', 'statement_refused');
  });

  it.each([
    ['EXPIRED_STATEMENT', 'has expired', madeAt(-HOUR, HOUR)],
    ['EXPIRED_STATEMENT', 'is dated beyond what clocks differ by', madeAt(60_001)],
    ['MALFORMED', 'would live longer than a day', madeAt(0, DAY + 1)],
  ] as const)('is %s where it %s', (code, _, claims) => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', claims))
      .thenRefused(code);
  });

  it('allows for a signer whose clock is a minute ahead', () => {
    given(...awaitingOneLead())
      .when(says(LEAD_1, 'approve', madeAt(60_000)))
      .thenFollows('approval_counted', 'stage_completed', 'approved', 'provisioning_started');
  });
});

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
    for (const verb of VERBS.filter((one) => one !== 'withdraw' && one !== 'revoke'))
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
