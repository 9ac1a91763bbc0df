import fc from 'fast-check';
import type { Stage } from '../../../src/domain/assessment';
import { ASSURANCE_LEVELS } from '../../../src/domain/principal';
import { VERBS } from '../../../src/domain/statement';
import { strictestOf } from '../../../src/domain/strictest';
import { leads, needsApproval, security } from '../../support/domain/builders';
import { assess, says, submit } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import { BENEFICIARY, IAM, LEAD_1, LEAD_2, REQUESTER, SPONSOR } from '../../support/domain/people';
import { courseOf, given } from '../../support/domain/specification';

const CHANNELS = ['slack', 'mattermost', 'cli'];
const bySlack = { assurance: 'channel', channel: 'slack' } as const;
const inSlack = (changes: Partial<Stage> = {}) =>
  leads({ assurance: 'channel', channels: ['slack'], ...changes });

const stages = fc.record(
  {
    assurance: fc.constantFrom(...ASSURANCE_LEVELS),
    channels: fc.uniqueArray(fc.constantFrom(...CHANNELS), { minLength: 1 }),
  },
  { requiredKeys: ['assurance'] },
);

describe('TTA-4, WEB-2 what somebody chose in a channel', () => {
  it('counts for no stage that does not name the channel, and for no other verb, whoever says it', () => {
    let taken = 0;
    fc.assert(
      fc.property(
        fc.tuple(stages, stages),
        fc.constantFrom(LEAD_1, LEAD_2, IAM, REQUESTER, SPONSOR, BENEFICIARY),
        fc.constantFrom(...VERBS),
        fc.constantFrom(...CHANNELS),
        fc.boolean(),
        ([first, second], who, verb, channel, namesStage) => {
          const path = needsApproval([leads(first), security(second)]);
          const claims = namesStage ? { stage: 'leads' } : {};
          const events = courseOf(
            submit(),
            assess(path),
            says(who, verb, claims, { assurance: 'channel', channel }),
          );
          if (!events.some(({ type }) => type === 'statement_accepted')) return;
          taken += 1;
          expect([first.assurance, verb === 'approve' || verb === 'deny']).toEqual(['channel', true]);
          expect(first.channels).toContain(channel);
        },
      ),
      { numRuns: 3_000, seed: 21 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it('approves and denies the stage that names the channel', () => {
    const waiting = awaitingApproval(needsApproval([inSlack()]));
    given(...waiting)
      .when(says(LEAD_1, 'approve', { stage: 'leads' }, bySlack))
      .thenFollows('approval_counted');
    given(...waiting)
      .when(says(LEAD_1, 'deny', { stage: 'leads' }, bySlack))
      .thenFollows('denied');
  });

  it('is no more than it is: not at a stage of another channel, not where keys are wanted', () => {
    for (const changes of [{ channels: ['mattermost'] }, { assurance: 'key' as const }])
      for (const verb of ['approve', 'deny'] as const)
        given(...awaitingApproval(needsApproval([inSlack(changes)])))
          .when(says(LEAD_1, verb, { stage: 'leads' }, bySlack))
          .thenRefused('WEAK_ASSURANCE');
  });

  it('OVR-2 changes no path, although the path takes approvals from there', () => {
    given(...awaitingApproval(needsApproval([inSlack()])))
      .when(says(IAM, 'reroute', {}, bySlack))
      .thenRefused('WEAK_ASSURANCE');
    given(...awaitingApproval(needsApproval([inSlack()])))
      .when(says(IAM, 'reroute', {}, { assurance: 'key' }))
      .thenFollows('rerouted');
  });

  it('TTA-3 is bound to the revision that was shown', () => {
    given(...awaitingApproval(needsApproval([inSlack()])))
      .when(says(LEAD_1, 'approve', { stage: 'leads', revision: 4 }, bySlack))
      .thenRefused('STALE_PATH');
  });

  it('TTA-6 counts only if the record and today’s policy name the channel', () => {
    const channelsOf = (then: Partial<Stage>, now: Partial<Stage>) => {
      const both = strictestOf(needsApproval([leads(then)]), needsApproval([leads(now)]));
      if (!both.ok) throw new Error(both.refusal.detail);
      return both.value.path?.stages[0]?.channels;
    };
    const [named, unnamed] = [inSlack(), leads({ assurance: 'channel' })];
    expect(channelsOf(named, named)).toEqual(['slack']);
    expect(channelsOf(named, unnamed)).toBeUndefined();
    expect(channelsOf(unnamed, named)).toBeUndefined();
    expect(channelsOf(inSlack({ channels: ['mattermost', 'slack'] }), named)).toEqual(['slack']);
  });
});
