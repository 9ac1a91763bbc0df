import { nextDeadline } from '../../../src/domain/clock';
import {
  DAY,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  permitted,
  START,
  security,
} from '../../support/domain/builders';
import { assess, at, madeAt, says, submit, timePasses } from '../../support/domain/commands';
import { awaitingApproval, provisioning } from '../../support/domain/courses';
import { LEAD_1, LEAD_2, LEAD_3, SECURITY_1, SPONSOR } from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';

describe('OVR-11 time reminds, escalates or ends, and never approves', () => {
  it('reminds those who are awaited, then tells governance, then ends the request', () => {
    given(...awaitingApproval(), says(LEAD_2, 'approve'))
      .when(at(HOUR, timePasses), at(2 * HOUR, timePasses), at(8 * HOUR, timePasses))
      .thenFollows(
        { type: 'reminded', stage: 'leads', awaiting: [LEAD_1, LEAD_3] },
        { type: 'escalated', stage: 'leads', awaiting: [LEAD_1, LEAD_3] },
        'lapsed',
      )
      .andIs('lapsed');
  });

  it('each stage has its own time, from when it opens', () => {
    const history = awaitingApproval(needsApproval([leads({ quorum: 1 }), security()]));
    given(...history, at(7 * HOUR, says(LEAD_1, 'approve')))
      .when(at(14 * HOUR, timePasses))
      .thenFollows({ type: 'reminded', stage: 'security' }, { type: 'escalated', stage: 'security' })
      .andIs('awaiting_approval');
  });

  it('a statement that comes at the deadline finds it passed, even if no timer has fired', () => {
    given(...awaitingApproval(), says(LEAD_1, 'approve'))
      .when(at(8 * HOUR, says(LEAD_2, 'approve')))
      .thenFollows('reminded', 'escalated', 'lapsed', 'statement_refused')
      .andIs('lapsed');
  });

  it('an approval counts no longer than its statement lives', () => {
    given(...awaitingApproval(), says(LEAD_1, 'approve', madeAt(0, HOUR / 2)))
      .when(at(HOUR / 2, says(LEAD_2, 'approve')))
      .thenFollows({ type: 'approval_lapsed', by: LEAD_1 }, { type: 'approval_counted', by: LEAD_2 })
      .andIs('awaiting_approval');
  });

  it('an approval that lapses before access was given takes the grant with it', () => {
    const history = [
      ...awaitingApproval(),
      says(LEAD_1, 'approve', madeAt(0, HOUR)),
      says(LEAD_2, 'approve'),
    ];
    given(...history)
      .when(at(HOUR, timePasses))
      .thenFollows({
        type: 'provisioning_failed',
        refusal: expect.objectContaining({ code: 'EXPIRED_STATEMENT' }),
      })
      .andIs('failed');
  });

  it('an earlier stage opens again when its approval lapses, and the later one is not taken for complete', () => {
    const history = awaitingApproval(needsApproval([leads({ quorum: 1 }), security()]));
    given(...history, says(LEAD_1, 'approve', madeAt(0, MINUTE)))
      .when(at(MINUTE, timePasses), at(MINUTE, says(SECURITY_1, 'approve')))
      .thenFollows('approval_lapsed', { type: 'stage_opened', stage: 'leads' }, 'statement_refused');
  });

  it('an awaited confirmation is reminded of, too, and lapses with the first stage', () => {
    const assessment = needsApproval([leads()], { confirmation: { by: [SPONSOR], before: 'approval' } });
    given(...awaitingApproval(assessment))
      .when(at(8 * HOUR, timePasses))
      .thenFollows(
        { type: 'reminded', awaiting: [SPONSOR] },
        { type: 'escalated', awaiting: [SPONSOR] },
        'lapsed',
      );
  });

  it('OVR-11 a confirmation before execution is reminded of as well, approved by people or by policy', () => {
    const confirmation = { by: [SPONSOR], before: 'execution' as const };
    const waited = [
      { type: 'reminded', awaiting: [SPONSOR] },
      { type: 'escalated', awaiting: [SPONSOR] },
      'lapsed',
    ] as const;
    // The stage was reminded of before; what is waited for now is another wait.
    const approved = [
      ...awaitingApproval(needsApproval([leads({ quorum: 1 })], { confirmation })),
      at(2 * HOUR, says(LEAD_1, 'approve')),
    ];
    given(...approved)
      .when(at(3 * HOUR - 1, timePasses))
      .thenNothingHappened();
    given(...approved)
      .when(at(10 * HOUR, timePasses))
      .thenFollows(...waited);
    given(submit(), assess(permitted({ confirmation })))
      .when(at(DAY, timePasses))
      .thenFollows(...waited);
  });

  it('no request pends longer than 30 days', () => {
    const long = { expireAfterMs: 30 * DAY };
    const assessment = needsApproval([leads({ quorum: 1, ...long }), security(long)]);
    // Its approval lapses after a day, and the first stage is opened anew; that gives the request no more time.
    given(...awaitingApproval(assessment), says(LEAD_1, 'approve'))
      .when(at(30 * DAY - 1, timePasses))
      .andIs('awaiting_approval');
    given(...awaitingApproval(assessment), says(LEAD_1, 'approve'))
      .when(at(30 * DAY, timePasses))
      .andIs('lapsed');
    const endless = given(...provisioning()).when(at(40 * DAY, timePasses));
    endless.thenFollows('provisioning_failed').andIs('failed');
  });

  it('a request that nobody has assessed yet waits; time decides nothing about it', () => {
    given(submit())
      .when(at(40 * DAY, timePasses))
      .thenNothingHappened();
  });

  it('what policy alone let through and no target gave in 30 days fails; it is not for want of an answer', () => {
    given(submit(), assess(permitted()))
      .when(at(30 * DAY, timePasses))
      .thenFollows('provisioning_failed')
      .andIs('failed');
  });

  it('a confirmation that runs out before access was given takes the grant with it', () => {
    const confirmation = { by: [SPONSOR], before: 'execution' as const };
    const confirmed = says(SPONSOR, 'confirm', madeAt(0, HOUR), { keyId: 'own', channel: 'cli' });
    given(submit(), assess(permitted({ confirmation })), confirmed)
      .when(at(HOUR, timePasses))
      .thenFollows({
        type: 'provisioning_failed',
        refusal: expect.objectContaining({ code: 'EXPIRED_STATEMENT' }),
      });
  });

  it('while a confirmation before execution is awaited too, the reminder is of the stage that is open', () => {
    const confirmation = { by: [SPONSOR], before: 'execution' as const };
    const history = awaitingApproval(needsApproval([leads({ quorum: 1 }), security()], { confirmation }));
    given(...history, says(LEAD_1, 'approve'))
      .when(at(HOUR, timePasses))
      .thenFollows({ type: 'reminded', stage: 'security' });
  });

  it.each([
    ['awaiting approval', awaitingApproval()],
    ['one approval short', [...awaitingApproval(), says(LEAD_1, 'approve')]],
    [
      'awaiting a confirmation',
      awaitingApproval(needsApproval([leads()], { confirmation: { by: [SPONSOR], before: 'approval' } })),
    ],
  ])('however much time passes, a request that is %s is never granted by it', (_, history) => {
    let state = stateAfter(...history);
    for (let deadline = nextDeadline(state); deadline !== undefined; deadline = nextDeadline(state)) {
      history = [...history, at(deadline.atMs - START, timePasses)];
      state = stateAfter(...history);
      expect(['awaiting_approval', 'lapsed']).toContain(state.status);
    }
    expect(state.status).toBe('lapsed');
  });
});
