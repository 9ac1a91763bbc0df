import { DAY, HOUR, leads, needsApproval, START } from '../../support/domain/builders';
import { at, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval, rerouted } from '../../support/domain/courses';
import {
  BYSTANDER,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  POLICY_ADMIN,
  ROGUE_BOT,
  SECOPS,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
  standingOf,
} from '../../support/domain/people';
import { given } from '../../support/domain/specification';
import { replacing } from '../../support/domain/statements';

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
