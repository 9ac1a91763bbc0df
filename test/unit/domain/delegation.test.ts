import { isSound } from '../../../src/domain/rules/soundness';
import { awaited } from '../../../src/domain/stages';
import { aRequest, leads, needsApproval, security } from '../../support/domain/builders';
import { says } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { evidence, kept, proofResult } from '../../support/domain/evidence';
import {
  DEPUTY,
  FORMER_DEPUTY,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  REVIEWER,
  SECURITY_1,
  SPONSOR,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory } from '../../support/domain/ports';
import { given, stateAfter } from '../../support/domain/specification';
import { replacing } from '../../support/domain/statements';

const delegations = [
  { from: LEAD_1, to: DEPUTY },
  { from: LEAD_2, to: FORMER_DEPUTY },
];
const assessment = needsApproval([leads({ delegations })]);
const awaiting = awaitingApproval(assessment);

describe('OVR-6, TTA-6 delegation for absence', () => {
  it('a delegate decides in the place of who is away', () => {
    given(...awaiting)
      .when(says(DEPUTY, 'approve'))
      .thenFollows({ type: 'approval_counted', by: DEPUTY });
    given(...awaiting, says(DEPUTY, 'approve'))
      .when(says(LEAD_3, 'approve'))
      .andIs('provisioning');
    given(...awaiting)
      .when(says(DEPUTY, 'deny'))
      .andIs('denied');
  });

  it('the two are one place: what one has decided the other cannot decide again', () => {
    given(...awaiting, says(DEPUTY, 'approve'))
      .when(says(LEAD_1, 'approve'))
      .thenRefused('NOT_NOW');
    given(...awaiting, says(LEAD_1, 'approve'))
      .when(says(DEPUTY, 'approve'))
      .thenRefused('NOT_NOW');
  });

  it('only while the directory says so', () => {
    given(...awaiting)
      .when(says(FORMER_DEPUTY, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('and not where it came after the request was assessed', () => {
    given(...awaitingApproval())
      .when(says(DEPUTY, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('not for someone who has been replaced since', () => {
    given(...awaiting, says(IAM, 'reroute'))
      .when(says(DEPUTY, 'approve', { revision: 1 }))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('a delegate is no replacement, and no governor of the request', () => {
    given(...awaiting)
      .when(says(IAM, 'reroute', replacing(LEAD_3, DEPUTY)))
      .thenRefused('WOULD_WEAKEN');
    given(...awaitingApproval(needsApproval([leads({ delegations }), security()])))
      .when(says(IAM, 'reroute', { stage: 'security', ...replacing(SECURITY_1, DEPUTY) }))
      .thenRefused('WOULD_WEAKEN');
    given(...awaiting)
      .when(says(DEPUTY, 'reroute', replacing(LEAD_3, SUBSTITUTE_1), { signer: governor }))
      .thenRefused('CONFLICTED');
  });

  it('is awaited beside who is away, until one of them has decided', () => {
    expect(awaited(stateAfter(...awaiting))).toEqual([LEAD_1, DEPUTY, LEAD_2, FORMER_DEPUTY, LEAD_3]);
    expect(awaited(stateAfter(...awaiting, says(DEPUTY, 'approve')))).toEqual([
      LEAD_2,
      FORMER_DEPUTY,
      LEAD_3,
    ]);
  });

  it.each([
    ['a party', { from: LEAD_1, to: SPONSOR }],
    ['an approver of the same stage', { from: LEAD_1, to: LEAD_2 }],
    ['an approver of another stage', { from: LEAD_1, to: SECURITY_1 }],
    ['a reviewer', { from: LEAD_1, to: REVIEWER }],
    ['for someone who is no approver', { from: SECURITY_1, to: DEPUTY }],
  ])('never %s: such an assessment lets nothing through', (_, one) => {
    expect(isSound(aRequest(), needsApproval([leads({ delegations: [one] }), security()]))).toBe(false);
  });

  it('never someone who confirms, nor a delegate in two stages', () => {
    const confirmation = { by: [DEPUTY], before: 'approval' as const };
    expect(isSound(aRequest(), { ...assessment, confirmation })).toBe(false);
    const twice = security({ delegations: [{ from: SECURITY_1, to: DEPUTY }] });
    expect(isSound(aRequest(), needsApproval([leads({ delegations }), twice]))).toBe(false);
    expect(isSound(aRequest(), assessment)).toBe(true);
  });

  it('counts in the proof only where policy and directory of that moment say the same', async () => {
    const offered = evidence({ assessment, statements: [kept(DEPUTY, 'approve'), kept(LEAD_3, 'approve')] });
    const policy = new PolicyInMemory(assessment);
    expect(await proofResult(offered, { policy })).toBe('authorised');
    expect(await proofResult(offered)).toBe('NOT_ELIGIBLE');
    const back = new DirectoryInMemory({ [DEPUTY]: { standsInFor: [] } });
    expect(await proofResult(offered, { policy, directory: back })).toBe('NOT_ELIGIBLE');
    const forged = evidence({ ...offered, assessment: needsApproval() });
    expect(await proofResult(forged, { policy })).toBe('NOT_ELIGIBLE');
  });
});

const governor = {
  id: DEPUTY,
  kind: 'person' as const,
  active: true,
  roles: ['iam-operations'],
  groups: [],
  standsInFor: [LEAD_1],
};
