import type { RerouteFacts, Statement } from '../../../src/domain/statement';
import {
  DAY,
  HOUR,
  leads,
  needsApproval,
  POLICY_DIGEST,
  START,
  security,
} from '../../support/domain/builders';
import { at, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval, rerouted } from '../../support/domain/courses';
import {
  BENEFICIARY,
  BYSTANDER,
  DELEGATOR,
  DISABLED_LEAD,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  OWNER,
  POLICY_ADMIN,
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
import { aStatement, fineReroute, verified, without } from '../../support/domain/statements';

const replacing = (replace: string, by: string, untilMs = START + 6 * HOUR): Partial<Statement> => ({
  replacement: { replace, with: by, untilMs },
});
const finding = (changes: Partial<RerouteFacts>, claims: Partial<Statement> = {}) => ({
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

describe('OVR-7 a replacement is time-limited', () => {
  it.each([
    ['in the past', START],
    ['later than the statement itself', START + DAY + 1],
  ])('is refused with an end %s', (_, untilMs) => {
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', replacing(LEAD_1, SUBSTITUTE_1, untilMs)))
      .thenRefused('MALFORMED');
  });

  it('lapses by itself, and the path returns to the original approver', () => {
    given(...rerouted(), says(LEAD_2, 'approve', { revision: 1 }))
      .when(at(6 * HOUR, says(LEAD_1, 'approve', { revision: 2 })))
      .thenFollows(
        'reminded',
        'escalated',
        { type: 'replacement_lapsed', revision: 2 },
        'approval_counted',
        'stage_completed',
        'approved',
        'provisioning_started',
      );
  });

  it('what the replacement did not decide in time is void', () => {
    const lapsed = [...rerouted(), at(6 * HOUR, timePasses)];
    given(...lapsed)
      .when(at(6 * HOUR, says(SUBSTITUTE_1, 'approve', { revision: 1 })))
      .thenRefused('NOT_ELIGIBLE');
    given(...lapsed)
      .when(at(6 * HOUR, says(SUBSTITUTE_1, 'approve', { revision: 2 })))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('a replacement of a replacement falls away with the one it rests on', () => {
    const chain = says(SECOPS, 'reroute', {
      revision: 1,
      ...replacing(SUBSTITUTE_1, SUBSTITUTE_2, START + 7 * HOUR),
    });
    given(...rerouted(), chain)
      .when(at(6 * HOUR, says(SUBSTITUTE_2, 'approve', { revision: 3 })))
      .thenFollows('reminded', 'escalated', 'replacement_lapsed', 'statement_refused');
  });
});

describe('OVR-8 a reroute of privileged access takes effect only after a second governor endorses it', () => {
  const proposed = [
    ...awaitingApproval(needsApproval([leads()], { privileged: true })),
    says(IAM, 'reroute'),
  ];

  it('changes nothing before: the replacement cannot decide, the original can', () => {
    given(...proposed)
      .when(says(SUBSTITUTE_1, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
    given(...proposed)
      .when(says(LEAD_1, 'approve'))
      .thenFollows('approval_counted');
  });

  it.each([
    ['by the first governor', IAM, 'CONFLICTED'],
    ['by an approver', LEAD_3, 'NOT_GOVERNANCE'],
    ['by the replacement', SUBSTITUTE_1, 'NOT_GOVERNANCE'],
    ['by a bystander', BYSTANDER, 'NOT_GOVERNANCE'],
    ['by a bot with the role', ROGUE_BOT, 'NOT_HUMAN'],
  ] as const)('is not endorsed %s', (_, who, code) => {
    given(...proposed)
      .when(says(who, 'endorse'))
      .thenRefused(code);
  });

  it.each([
    LEAD_1,
    SUBSTITUTE_1,
  ])('is not endorsed by %s who takes part in it, once they hold a role', (who) => {
    const signer = { ...standingOf(who), roles: ['iam-operations'] };
    given(...proposed)
      .when(says(who, 'endorse', {}, { signer }))
      .thenRefused('CONFLICTED');
  });

  it('an endorsement speaks about one proposal, which is still there', () => {
    given(...proposed)
      .when(says(SECOPS, 'endorse', { endorses: 'another' }))
      .thenRefused('NOT_NOW');
    given(...proposed, says(SECOPS, 'endorse'))
      .when(says(POLICY_ADMIN, 'endorse', { revision: 1 }))
      .thenRefused('NOT_NOW');
  });

  it('a proposal that nobody endorses ends at its time, without effect', () => {
    given(...proposed)
      .when(at(6 * HOUR, says(SECOPS, 'endorse', madeAt(6 * HOUR))))
      .thenFollows('reminded', 'escalated', { type: 'reroute_unendorsed' }, 'statement_refused');
  });

  it('a second proposal for the stage waits for the first', () => {
    given(...proposed)
      .when(says(POLICY_ADMIN, 'reroute', replacing(LEAD_2, SUBSTITUTE_2)))
      .thenRefused('NOT_NOW');
  });

  it('is not endorsed once the original has approved, or one approver would count as two', () => {
    given(...proposed, says(LEAD_1, 'approve'))
      .when(says(SECOPS, 'endorse'))
      .thenRefused('NOT_NOW');
  });

  it('who endorsed cannot decide either', () => {
    const signer = { ...standingOf(SECOPS), roles: [], groups: ['leads'] };
    given(...proposed, says(SECOPS, 'endorse'))
      .when(says(SECOPS, 'approve', { revision: 1 }, { signer }))
      .thenRefused('CONFLICTED');
  });
});

describe('OVR-9 a rerouted emergency leaves a review', () => {
  it('is owed by someone else than whoever rerouted', () => {
    const assessment = needsApproval([leads()], { reviewWithinMs: DAY, reviewers: [IAM] });
    const history = [
      ...rerouted(assessment),
      says(SUBSTITUTE_1, 'approve', { revision: 1 }),
      says(LEAD_2, 'approve', { revision: 1 }),
    ];
    given(...history)
      .when(says(IAM, 'review'))
      .thenRefused('CONFLICTED');
  });
});
