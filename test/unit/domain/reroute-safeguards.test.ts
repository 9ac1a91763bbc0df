import type { RerouteCheck, Statement } from '../../../src/domain/statement';
import { HOUR, leads, needsApproval, POLICY_DIGEST, START, security } from '../../support/domain/builders';
import { at, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval, rerouted } from '../../support/domain/courses';
import {
  BENEFICIARY,
  BYSTANDER,
  DELEGATOR,
  DISABLED_LEAD,
  IAM,
  LEAD_1,
  LEAD_2,
  OWNER,
  REQUESTER,
  ROGUE_BOT,
  SECOPS,
  SECURITY_1,
  SPONSOR,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
  standingOf,
} from '../../support/domain/people';
import { given } from '../../support/domain/specification';
import { aStatement, fineReroute, replacing, verified, without } from '../../support/domain/statements';

const finding = (changes: Partial<RerouteCheck>, claims: Partial<Statement> = {}) => ({
  reroute: { ...fineReroute(aStatement('reroute', IAM, claims)), ...changes },
});

describe('OVR-4 a reroute carries a reason code, a ticket and the policy basis', () => {
  it.each([
    ['MISSING_REASON', without('reasonCode'), {}],
    ['MISSING_REASON', {}, finding({ reasonCodeListed: false })],
    ['MISSING_TICKET', without('ticket'), {}],
    ['MISSING_TICKET', {}, finding({ ticketFound: false })],
    ['MISSING_POLICY_BASIS', without('policyBasis'), {}],
    ['MISSING_POLICY_BASIS', {}, finding({ policyBasisListed: false })],
    ['MALFORMED', without('replacement'), {}],
  ] as const)('%s without %o and with findings %o', (code, claims, facts) => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', claims, facts))
      .thenRefused(code);
  });

  it('is refused where nothing was found out about it', () => {
    const { reroute: _unknown, ...facts } = verified(aStatement('reroute', IAM));
    const check = { verified: true, facts } as const;
    given(...awaitingApproval())
      .when({ type: 'consider', atMs: START, check })
      .thenRefused('MISSING_REASON');
  });
});

describe('OVR-5 the record of a reroute', () => {
  const record = {
    by: IAM,
    stage: 'leads',
    replace: LEAD_1,
    with: SUBSTITUTE_1,
    untilMs: START + 6 * HOUR,
    reasonCode: 'approver-absent',
    ticket: 'OPS-18',
    policyBasis: 'ledger-write',
    policyDigest: POLICY_DIGEST,
  };

  it('says who, from whom, to whom, until when, why, by which policy, and that no second review was needed', () => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute'))
      .thenFollows({
        type: 'rerouted',
        revision: 1,
        reroute: { ...record, jti: `reroute-by-${IAM}`, endorsementNeeded: false },
      });
  });

  it('says whether a second review was required, and who gave it', () => {
    given(...awaitingApproval(needsApproval([leads()], { privileged: true })))
      .when(says(IAM, 'reroute'), says(SECOPS, 'endorse'))
      .thenFollows(
        {
          type: 'reroute_proposed',
          reroute: expect.objectContaining({ ...record, endorsementNeeded: true }),
        },
        {
          type: 'rerouted',
          endorsedBy: SECOPS,
          reroute: expect.objectContaining({ ...record, endorsementNeeded: true }),
        },
      );
  });
});

describe('OVR-6 a reroute never weakens', () => {
  it.each([REQUESTER, BENEFICIARY, SPONSOR, OWNER, DELEGATOR])('%s cannot be put in', (who) => {
    const candidate = { ...standingOf(who), kind: 'person' } as const;
    const claims = replacing(LEAD_1, who);
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', claims, finding({ candidate }, claims)))
      .thenRefused('WOULD_WEAKEN');
  });

  it.each([
    ['the rescuer', IAM],
    ['another governor', SECOPS],
    ['a bot', ROGUE_BOT],
    ['someone disabled', DISABLED_LEAD],
    ['someone who is an approver already', LEAD_2],
    ['the approver who is to be replaced', LEAD_1],
  ])('%s cannot be put in', (_, who) => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', replacing(LEAD_1, who)))
      .thenRefused('WOULD_WEAKEN');
  });

  it('who tried to reroute earlier cannot be put in, even without the role', () => {
    const history = awaitingApproval(needsApproval([leads()], { privileged: true }));
    const proposal = says(SECOPS, 'reroute', { ...replacing(LEAD_2, SUBSTITUTE_2, START + HOUR) });
    const candidate = { ...standingOf(SECOPS), roles: [] };
    const claims = replacing(LEAD_1, SECOPS);
    given(...history, proposal, at(HOUR, timePasses))
      .when(at(HOUR, says(IAM, 'reroute', claims, finding({ candidate }, claims))))
      .thenRefused('WOULD_WEAKEN');
  });

  it.each([
    ['someone whom current policy does not let decide this stage', { candidateStages: ['security'] }],
    ['someone other than was looked into', { candidate: standingOf(SUBSTITUTE_2) }],
  ])('%s cannot be put in', (_, facts) => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', {}, finding(facts)))
      .thenRefused('WOULD_WEAKEN');
  });

  it('someone whom the directory does not know cannot be put in', () => {
    const { candidate: _unknown, ...facts } = finding({}).reroute;
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', {}, { reroute: facts }))
      .thenRefused('WOULD_WEAKEN');
  });

  it('someone who approved another stage cannot be put in', () => {
    const history = awaitingApproval(needsApproval([leads({ quorum: 1 }), security()]));
    given(...history, says(LEAD_1, 'approve'))
      .when(says(IAM, 'reroute', replacing(SECURITY_1, LEAD_1)))
      .thenRefused('WOULD_WEAKEN');
  });

  it('only an approver can be replaced, and only one whose place is undecided', () => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', replacing(BYSTANDER, SUBSTITUTE_1)))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingApproval(), says(LEAD_1, 'approve'))
      .when(says(IAM, 'reroute'))
      .thenRefused('NOT_NOW');
  });

  it('a stage that is complete is not changed', () => {
    const history = awaitingApproval(needsApproval([leads({ quorum: 1 }), security()]));
    given(...history, says(LEAD_2, 'approve'))
      .when(says(IAM, 'reroute'))
      .thenRefused('NOT_NOW');
  });

  it('who changes the path signs as strongly as its strongest stage demands', () => {
    const strong = needsApproval([leads(), security({ assurance: 'phishing-resistant' })]);
    given(...awaitingApproval(strong))
      .when(says(IAM, 'reroute', {}, { assurance: 'key' }))
      .thenRefused('WEAK_ASSURANCE');
    given(...awaitingApproval(strong))
      .when(says(IAM, 'reroute', {}, { assurance: 'phishing-resistant' }))
      .thenFollows('rerouted');
  });

  it('a replacement needs the same quorum and the same assurance', () => {
    given(...rerouted())
      .when(says(SUBSTITUTE_1, 'approve', { revision: 1 }, { assurance: 'channel' }))
      .thenRefused('WEAK_ASSURANCE');
    given(...rerouted())
      .when(says(SUBSTITUTE_1, 'approve', { revision: 1 }), says(LEAD_2, 'approve', { revision: 1 }))
      .thenFollows(
        'approval_counted',
        'approval_counted',
        'stage_completed',
        'approved',
        'provisioning_started',
      );
  });

  it('who was replaced decides no more while the replacement is in force', () => {
    given(...rerouted())
      .when(says(LEAD_1, 'approve', { revision: 1 }))
      .thenRefused('NOT_ELIGIBLE');
    given(...rerouted())
      .when(says(LEAD_1, 'deny', { revision: 1 }))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('an approval signed for the path as it was before does not count', () => {
    given(...rerouted())
      .when(says(LEAD_2, 'approve'))
      .thenRefused('STALE_PATH');
    given(...awaitingApproval())
      .when(says(LEAD_2, 'approve', { revision: 1 }))
      .thenRefused('STALE_PATH');
  });

  it('a place counts once, whoever stands in it: not by the replacement and then by the original', () => {
    given(...rerouted(), says(SUBSTITUTE_1, 'approve', { revision: 1 }), at(6 * HOUR, timePasses))
      .when(at(6 * HOUR, says(LEAD_1, 'approve', { revision: 2 })))
      .thenRefused('NOT_NOW')
      .andIs('awaiting_approval');
  });

  it('an original approver who is out is not put in for another, or would stand in two places at the end', () => {
    given(...rerouted())
      .when(says(SECOPS, 'reroute', { revision: 1, ...replacing(LEAD_2, LEAD_1) }))
      .thenRefused('WOULD_WEAKEN');
  });

  it('a path is changed at most eight times', () => {
    const history = awaitingApproval();
    const reroute = (n: number) =>
      at(
        n,
        says(IAM, 'reroute', {
          jti: `reroute-${n}`,
          revision: 2 * n,
          ...replacing(LEAD_1, SUBSTITUTE_1, START + n + 1),
        }),
      );
    for (let n = 0; n < 8; n += 1) history.push(reroute(n));
    given(...history)
      .when(reroute(8))
      .thenFollows('replacement_lapsed', 'statement_refused');
    expect(given(...history).when(reroute(8)).state?.refusals[0]?.refusal.code).toBe('RATE_LIMITED');
  });
});
