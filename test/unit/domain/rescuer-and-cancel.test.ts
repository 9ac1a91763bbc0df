import { LIMITS } from '../../../src/domain/limits';
import { GOVERNANCE_ROLES } from '../../../src/domain/principal';
import { snapshotOf } from '../../../src/domain/snapshot';
import type { RequestState } from '../../../src/domain/state';
import { aRequest, HOUR, leads, needsApproval } from '../../support/domain/builders';
import { accessEnded, assess, at, says, saysAbout, submit, timePasses } from '../../support/domain/commands';
import {
  active,
  awaitingApproval,
  awaitingOneLead,
  expired,
  provisioning,
  rerouted,
} from '../../support/domain/courses';
import {
  BENEFICIARY,
  BOT_AMONG_LEADS,
  BYSTANDER,
  DELEGATOR,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_IN_GOVERNANCE,
  LEAD_WHO_LEFT,
  OWNER,
  PROCESS_OWNER,
  RECORDER,
  REQUESTER,
  ROGUE_BOT,
  SPONSOR,
  standingOf,
} from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';
import { without } from '../../support/domain/statements';

describe('OVR-3 the rescuer stands apart', () => {
  const parties = [REQUESTER, BENEFICIARY, SPONSOR, OWNER, DELEGATOR];
  const asGovernor = (id: string) => ({
    signer: { ...standingOf(id), kind: 'person', roles: GOVERNANCE_ROLES } as const,
  });

  it.each(parties)('%s cannot reroute, whatever their role', (who) => {
    given(...awaitingApproval())
      .when(says(who, 'reroute', {}, asGovernor(who)))
      .thenRefused('CONFLICTED');
  });

  it.each(parties)('%s cannot endorse, whatever their role', (who) => {
    given(...awaitingApproval(needsApproval([leads()], { privileged: true })), says(IAM, 'reroute'))
      .when(says(who, 'endorse', {}, asGovernor(who)))
      .thenRefused('CONFLICTED');
  });

  it('an original approver cannot reroute, not even one who was replaced', () => {
    given(...awaitingApproval())
      .when(says(LEAD_2, 'reroute', {}, asGovernor(LEAD_2)))
      .thenRefused('CONFLICTED');
    given(...rerouted())
      .when(says(LEAD_1, 'reroute', { revision: 1 }, asGovernor(LEAD_1)))
      .thenRefused('CONFLICTED');
  });

  it('who rerouted cannot decide, even once the role is gone', () => {
    const signer = { ...standingOf(IAM), roles: [], groups: ['leads'] };
    given(...rerouted())
      .when(says(IAM, 'approve', { revision: 1 }, { signer }))
      .thenRefused('CONFLICTED');
  });

  it('the rescue role has no approval authority, even for someone on the list', () => {
    given(...awaitingApproval(needsApproval([leads({ eligible: [LEAD_IN_GOVERNANCE, LEAD_1] })])))
      .when(says(LEAD_IN_GOVERNANCE, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it.each(parties)('%s can neither approve nor deny', (who) => {
    const signer = { ...standingOf(who), kind: 'person', groups: ['leads'] } as const;
    given(...awaitingApproval())
      .when(says(who, 'approve', {}, { signer }))
      .thenRefused('CONFLICTED');
    given(...awaitingApproval())
      .when(says(who, 'deny', {}, { signer }))
      .thenRefused('CONFLICTED');
  });

  it.each(parties)('a path with %s among the approvers is refused as a whole', (who) => {
    given(submit())
      .when(assess(needsApproval([leads({ eligible: [LEAD_1, LEAD_2, who] })])))
      .thenFollows('recognised', 'assessed', 'refused');
  });

  it.each([
    ['a quorum of none', leads({ quorum: 0 })],
    ['a quorum of part of a person', leads({ quorum: 0.5 })],
    ['a quorum that the approvers cannot reach', leads({ quorum: 4 })],
    ['the same person listed twice', leads({ eligible: [LEAD_1, LEAD_1] })],
    [
      'more approvers than the limit',
      leads({ eligible: Array.from({ length: LIMITS.eligibleApprovers + 1 }, (_, n) => `person/${n}`) }),
    ],
    ['no time to decide', leads({ expireAfterMs: 0 })],
    ['for ever to decide', leads({ expireAfterMs: Number.POSITIVE_INFINITY })],
  ])('a path with %s is refused', (_, stage) => {
    given(submit())
      .when(assess(needsApproval([stage])))
      .thenFollows('recognised', 'assessed', 'refused');
  });

  it('a path with no stage, with too many, or with two of one name is refused', () => {
    const nine = Array.from({ length: 9 }, (_, index) => leads({ name: `stage-${index}` }));
    for (const stages of [[], nine, [leads(), leads()]])
      given(submit())
        .when(assess(needsApproval(stages)))
        .thenFollows('recognised', 'assessed', 'refused');
  });

  it('a bot on the list, a leaver and a bystander do not count', () => {
    const stage = leads({ eligible: [BOT_AMONG_LEADS, LEAD_WHO_LEFT, LEAD_1] });
    const history = awaitingApproval(needsApproval([stage]));
    given(...history)
      .when(says(BOT_AMONG_LEADS, 'approve'))
      .thenRefused('NOT_HUMAN');
    given(...history)
      .when(says(LEAD_WHO_LEFT, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
    given(...history)
      .when(says(BYSTANDER, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
  });
});

describe('OVR-10 cancel is for process owners, withdraw for the requester', () => {
  it.each([
    ['assessing', [submit()]],
    ['awaiting approval', awaitingApproval()],
    ['being carried out', provisioning()],
  ])('both end a request that is %s', (_, history) => {
    given(...history)
      .when(says(PROCESS_OWNER, 'cancel'))
      .thenFollows({ type: 'cancelled', by: PROCESS_OWNER });
    given(...history)
      .when(says(REQUESTER, 'withdraw'))
      .thenFollows({ type: 'withdrawn', by: REQUESTER });
  });

  it.each([
    ['active', active()],
    ['over', expired()],
  ])('neither touches a request that is %s', (_, history) => {
    given(...history)
      .when(says(PROCESS_OWNER, 'cancel'))
      .thenRefused('NOT_NOW');
    given(...history)
      .when(says(REQUESTER, 'withdraw'))
      .thenRefused('NOT_NOW');
  });

  it('a cancellation says why', () => {
    given(...awaitingApproval())
      .when(says(PROCESS_OWNER, 'cancel', without('reasonCode')))
      .thenRefused('MISSING_REASON');
  });

  it.each([
    'assessing',
    'awaiting approval',
  ])('the requester cannot cancel while %s, whatever their role', (when) => {
    const asking = aRequest({ requester: PROCESS_OWNER });
    const parties = [...needsApproval().parties, { id: PROCESS_OWNER, relation: 'requester' as const }];
    const assessed = { ...assess(needsApproval([leads()], { parties })) };
    const history = when === 'assessing' ? [submit(asking)] : [submit(asking), assessed];
    given(...history)
      .when(saysAbout(asking, PROCESS_OWNER, 'cancel'))
      .thenRefused('CONFLICTED');
  });

  it('nobody else withdraws', () => {
    for (const who of [BENEFICIARY, SPONSOR, OWNER, LEAD_1, IAM, PROCESS_OWNER])
      given(...awaitingApproval())
        .when(says(who, 'withdraw'))
        .thenRefused('NOT_ELIGIBLE');
  });

  it('a gateway carries the requester’s word, and nobody else’s; nobody but a gateway does', () => {
    given(...awaitingApproval())
      .when(says(RECORDER, 'withdraw', { reporter: REQUESTER }))
      .thenFollows({ type: 'withdrawn', by: REQUESTER });
    given(...active())
      .when(says(RECORDER, 'revoke', { reporter: REQUESTER }))
      .thenFollows({ type: 'ending_ordered', end: 'revoked', by: REQUESTER });
    for (const about of [{}, { reporter: LEAD_1 }, { reporter: SPONSOR }])
      for (const [verb, history] of [
        ['withdraw', awaitingApproval()],
        ['revoke', active()],
      ] as const)
        given(...history)
          .when(says(RECORDER, verb, about))
          .thenRefused('NOT_ELIGIBLE');
    for (const who of [BYSTANDER, IAM, PROCESS_OWNER])
      given(...awaitingApproval())
        .when(says(who, 'withdraw', { reporter: REQUESTER }))
        .thenRefused('NOT_ELIGIBLE');
    // A person with a gateway's role is no gateway, and neither is another machine.
    const person = { signer: { ...standingOf(BYSTANDER), roles: ['recorder'] } };
    given(...awaitingApproval())
      .when(says(BYSTANDER, 'withdraw', { reporter: REQUESTER }, person))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingApproval())
      .when(says(ROGUE_BOT, 'withdraw', { reporter: REQUESTER }))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('AUD-1 what a gateway carries stands in the record as said by the requester, and what was said before stays as it was', () => {
    const said = (state: RequestState) => snapshotOf(state).decisions?.map(({ verb, by }) => [verb, by]);
    const approvals = [LEAD_1, LEAD_2].map((lead) => ['approve', lead]);
    expect(said(stateAfter(...active(), says(RECORDER, 'revoke', { reporter: REQUESTER })))).toEqual([
      ...approvals,
      ['revoke', REQUESTER],
    ]);
    expect(said(stateAfter(...active(), says(LEAD_1, 'revoke')))).toEqual([...approvals, ['revoke', LEAD_1]]);
    const waiting = [...awaitingApproval(), says(LEAD_1, 'approve')];
    expect(said(stateAfter(...waiting, says(RECORDER, 'withdraw', { reporter: REQUESTER })))).toEqual([
      ['approve', LEAD_1],
      ['withdraw', REQUESTER],
    ]);
    const over = stateAfter(...active(), at(100 * HOUR, timePasses));
    expect(said(over)).toEqual(approvals);
  });

  it('the requester cannot restart a timer or change the path by anything they say', () => {
    const [opened] = [given(...awaitingOneLead()).when().state];
    for (const verb of ['approve', 'deny', 'confirm', 'reroute', 'endorse', 'cancel', 'review'] as const) {
      const after = given(...awaitingOneLead()).when(at(HOUR / 2, says(REQUESTER, verb))).state;
      expect({ ...after, refusals: [], refusalCount: 0 }).toEqual(opened);
    }
  });

  it('an end stays an end when access is reported ended or given later', () => {
    given(...provisioning(), says(REQUESTER, 'withdraw'))
      .when(accessEnded, ...active().slice(-1))
      .thenNothingHappened()
      .andIs('withdrawn');
  });
});
