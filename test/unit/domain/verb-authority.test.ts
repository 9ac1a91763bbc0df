import { leads, needsApproval, security } from '../../support/domain/builders';
import { assess, says, submit } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import {
  DELEGATE,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_IN_SECURITY,
  POLICY_ADMIN,
  PROCESS_OWNER,
  SECOPS,
  SECURITY_1,
  standingOf,
} from '../../support/domain/people';
import { given } from '../../support/domain/specification';

describe('OVR-1 approve, reroute and cancel are separate verbs with separate authority', () => {
  it('an approver can neither reroute nor cancel', () => {
    given(...awaitingApproval())
      .when(says(LEAD_1, 'reroute'))
      .thenRefused('NOT_GOVERNANCE');
    given(...awaitingApproval())
      .when(says(LEAD_1, 'cancel'))
      .thenRefused('NOT_GOVERNANCE');
  });

  it.each([IAM, SECOPS, POLICY_ADMIN, DELEGATE])('%s of governance can neither approve nor cancel', (who) => {
    given(...awaitingApproval())
      .when(says(who, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingApproval())
      .when(says(who, 'deny'))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingApproval())
      .when(says(who, 'cancel'))
      .thenRefused('NOT_GOVERNANCE');
  });

  it('a process owner can neither approve nor reroute', () => {
    given(...awaitingApproval())
      .when(says(PROCESS_OWNER, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
    given(...awaitingApproval())
      .when(says(PROCESS_OWNER, 'reroute'))
      .thenRefused('NOT_GOVERNANCE');
  });

  it('an approval counts, a denial ends the request, and nobody can outvote it', () => {
    given(...awaitingApproval())
      .when(says(LEAD_1, 'approve'), says(LEAD_2, 'deny'))
      .thenFollows({ type: 'approval_counted', by: LEAD_1, stage: 'leads' }, { type: 'denied', by: LEAD_2 })
      .andIs('denied');
    given(...awaitingApproval(), says(LEAD_2, 'deny'))
      .when(says(LEAD_1, 'approve'))
      .thenRefused('NOT_NOW');
  });

  it('the quorum of distinct people completes a stage, and the last stage the request', () => {
    given(submit(), assess(needsApproval([leads(), security()])))
      .when(says(LEAD_1, 'approve'), says(LEAD_2, 'approve'), says(SECURITY_1, 'approve'))
      .thenFollows(
        'approval_counted',
        'approval_counted',
        { type: 'stage_completed', stage: 'leads' },
        { type: 'stage_opened', stage: 'security' },
        'approval_counted',
        { type: 'stage_completed', stage: 'security' },
        'approved',
        'provisioning_started',
      )
      .andIs('provisioning');
  });

  it('one person counts once in a stage', () => {
    given(...awaitingApproval(), says(LEAD_1, 'approve'))
      .when(says(LEAD_1, 'approve', { jti: 'another' }))
      .thenRefused('NOT_NOW')
      .andIs('awaiting_approval');
  });

  it('one person counts in one stage', () => {
    const both = leads({ eligible: [LEAD_IN_SECURITY], quorum: 1 });
    const then = security({ eligible: [LEAD_IN_SECURITY, SECURITY_1] });
    given(...awaitingApproval(needsApproval([both, then])), says(LEAD_IN_SECURITY, 'approve'))
      .when(says(LEAD_IN_SECURITY, 'approve', { jti: 'another' }))
      .thenRefused('CONFLICTED')
      .andIs('awaiting_approval');
  });

  it('a stage is decided only while it is open', () => {
    const history = awaitingApproval(needsApproval([leads(), security()]));
    given(...history)
      .when(says(SECURITY_1, 'approve', { stage: 'security' }))
      .thenRefused('NOT_NOW');
    given(...history)
      .when(says(SECURITY_1, 'approve'))
      .thenRefused('NOT_ELIGIBLE');
  });
});

describe('OVR-2 reroute is only for governance roles', () => {
  it.each([IAM, SECOPS, POLICY_ADMIN, DELEGATE])('%s may', (who) => {
    given(...awaitingApproval())
      .when(says(who, 'reroute'))
      .thenFollows('rerouted');
  });

  it('a role is what the directory says now, not what it once said', () => {
    const signer = { ...standingOf(IAM), roles: [] };
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', {}, { signer }))
      .thenRefused('NOT_GOVERNANCE');
  });
});
