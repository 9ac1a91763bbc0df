import type { Command } from '../../../src/domain/command';
import { effectiveApprovers } from '../../../src/domain/stages';
import { DAY, HOUR, leads, needsApproval, START } from '../../support/domain/builders';
import { at, madeAt, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval } from '../../support/domain/courses';
import {
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  SECOPS,
  STANDBY,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
} from '../../support/domain/people';
import { given, stateAfter } from '../../support/domain/specification';
import { replacing } from '../../support/domain/statements';

const patient = needsApproval([leads({ quorum: 3, expireAfterMs: 3 * DAY })]);

describe('OVR-7, OVR-11 what lapses takes nothing else along', () => {
  it('an approval that lapses leaves the others', () => {
    const history = [
      ...awaitingApproval(patient),
      says(LEAD_1, 'approve', madeAt(0, HOUR)),
      says(LEAD_2, 'approve', madeAt(0, 2 * HOUR)),
      at(HOUR, timePasses),
    ];
    expect(stateAfter(...history).approvals.map(({ by }) => by)).toEqual([LEAD_2]);
    given(...history)
      .when(at(HOUR, says(LEAD_1, 'approve', { jti: 'again' })), at(HOUR, says(LEAD_3, 'approve')))
      .andIs('provisioning');
  });

  it('a replacement that lapses leaves the other in force', () => {
    const history = [
      ...awaitingApproval(patient),
      says(IAM, 'reroute', { jti: 'short', ...replacing(LEAD_1, SUBSTITUTE_1, START + HOUR) }),
      says(IAM, 'reroute', {
        jti: 'long',
        revision: 1,
        ...replacing(LEAD_2, SUBSTITUTE_2, START + 5 * HOUR),
      }),
      at(HOUR, timePasses),
    ];
    const state = stateAfter(...history);
    expect(state.pathChanges.map(({ record, phase }) => [record.jti, phase])).toEqual([
      ['short', 'over'],
      ['long', 'in_force'],
    ]);
    expect(effectiveApprovers(state, leads())).toEqual([LEAD_1, SUBSTITUTE_2, LEAD_3]);
  });
});

describe('OVR-5, OVR-8 the record of a change', () => {
  it('is one, before and after its endorsement, and says by whom it was endorsed', () => {
    const proposed = [...awaitingApproval({ ...patient, privileged: true }), says(IAM, 'reroute')];
    const phases = (...more: readonly Command[]) =>
      stateAfter(...proposed, ...more).pathChanges.map(({ phase, record, endorsedBy }) => [
        phase,
        record.by,
        endorsedBy,
      ]);
    expect(phases()).toEqual([['proposed', IAM, undefined]]);
    expect(phases(says(SECOPS, 'endorse'))).toEqual([['in_force', IAM, SECOPS]]);
    expect(phases(at(6 * HOUR, timePasses))).toEqual([['over', IAM, undefined]]);
  });

  it('names nobody as the one who endorsed it where nobody had to', () => {
    const [change] = stateAfter(...awaitingApproval(patient), says(IAM, 'reroute')).pathChanges;
    expect(change).not.toHaveProperty('endorsedBy');
  });
});

describe('OVR-9 the review of an emergency reroute', () => {
  const emergency = { emergencyCondition: 'nobody-answers' };

  it('that is overdue stays overdue, whatever emergency comes after it', () => {
    const late = { ...emergency, ...madeAt(DAY), jti: 'late', revision: 2 };
    const history = [
      ...awaitingApproval(patient),
      says(IAM, 'reroute', { ...emergency, ...replacing(LEAD_1, STANDBY) }),
      at(DAY, timePasses),
    ];
    const overdue = { phase: 'overdue', dueAtMs: START + DAY };
    expect(stateAfter(...history).review).toEqual(overdue);
    const again = at(
      DAY,
      says(IAM, 'reroute', { ...late, ...replacing(LEAD_1, STANDBY, START + DAY + HOUR) }),
    );
    given(...history)
      .when(again)
      .thenFollows('rerouted', 'review_owed');
    expect(stateAfter(...history, again).review).toEqual(overdue);
  });
});
