import { DAY, HOUR, leads, needsApproval, START, security } from '../../support/domain/builders';
import { at, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval, rerouted } from '../../support/domain/courses';
import {
  CHIEF_1,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_IN_SECURITY,
  POLICY_ADMIN,
  SECOPS,
  SECURITY_1,
  STANDBY,
  SUBSTITUTE_1,
  SUBSTITUTE_2,
  standingOf,
} from '../../support/domain/people';
import { given } from '../../support/domain/specification';
import { aStatement, fineReroute, replacing, switchingTo } from '../../support/domain/statements';

/* Changes of a path that meet: each does what it would alone, and none opens what the other closed. */

const now = { revision: 1 };
const privileged = { privileged: true };
const twoStages = needsApproval([leads(), security()]);
const emergency = { emergencyCondition: 'nobody-answers' };

describe('OVR-6 several replacements', () => {
  it('nobody stands in for two approvers of a stage', () => {
    given(...rerouted())
      .when(says(SECOPS, 'reroute', { ...now, ...replacing(LEAD_2, SUBSTITUTE_1) }))
      .thenRefused('WOULD_WEAKEN');
  });

  it('in two stages they may, and then decide only one', () => {
    const second = says(SECOPS, 'reroute', { ...now, ...replacing(SECURITY_1, SUBSTITUTE_1) });
    given(...rerouted(twoStages))
      .when(second)
      .thenFollows({ type: 'rerouted', revision: 2 });
  });

  it('what an emergency reaches is reached for the one it puts in, and for nobody else', () => {
    const both = [
      ...awaitingApproval(),
      says(IAM, 'reroute', { jti: 'first', ...emergency, ...replacing(LEAD_1, STANDBY) }),
      says(SECOPS, 'reroute', { jti: 'second', ...now, ...replacing(LEAD_2, SUBSTITUTE_1) }),
    ];
    const moved = { signer: { ...standingOf(SUBSTITUTE_1), groups: ['standby'] } };
    given(...both)
      .when(says(SUBSTITUTE_1, 'approve', { revision: 2 }, moved))
      .thenRefused('NOT_ELIGIBLE');
    given(...both)
      .when(says(STANDBY, 'approve', { revision: 2 }))
      .thenFollows('approval_counted');
  });

  it('and in the stage it was made for, while it is in force', () => {
    const lapsed = [
      ...awaitingApproval(),
      says(IAM, 'reroute', { jti: 'first', ...emergency, ...replacing(LEAD_1, STANDBY, START + HOUR) }),
      at(HOUR, says(IAM, 'reroute', { jti: 'second', revision: 2, ...replacing(LEAD_1, STANDBY) })),
    ];
    given(...lapsed)
      .when(at(HOUR, says(STANDBY, 'approve', { revision: 3 })))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('a replacement names the stage it means', () => {
    const inBoth = needsApproval([
      leads({ eligible: [LEAD_1, LEAD_2, LEAD_IN_SECURITY] }),
      security({ eligible: [SECURITY_1, LEAD_IN_SECURITY] }),
    ]);
    const claims = replacing(LEAD_IN_SECURITY, SUBSTITUTE_1);
    const stageOf = (stage: string | undefined) => {
      const { events } = given(...awaitingApproval(inBoth)).when(
        says(IAM, 'reroute', stage === undefined ? claims : { ...claims, stage }),
      );
      const changed = events.find((event) => event.type === 'rerouted');
      return changed?.type === 'rerouted' ? changed.reroute.stage : 'none';
    };
    expect([stageOf(undefined), stageOf('leads'), stageOf('security')]).toEqual([
      'leads',
      'leads',
      'security',
    ]);
    given(...awaitingApproval(twoStages))
      .when(says(IAM, 'reroute', { stage: 'security' }))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('lasts as long as its statement at most, to the moment', () => {
    const untilMs = START + DAY;
    given(...awaitingApproval())
      .when(says(IAM, 'reroute', replacing(LEAD_1, SUBSTITUTE_1, untilMs)))
      .thenFollows('rerouted');
  });
});

describe('OVR-8 proposals that wait while other things happen', () => {
  const awaiting = awaitingApproval({ ...twoStages, ...privileged });
  const first = [
    ...awaiting,
    says(IAM, 'reroute', { jti: 'first' }),
    says(SECOPS, 'endorse', { endorses: 'first' }),
  ];

  it('one for each stage may wait', () => {
    given(...awaiting, says(IAM, 'reroute', { jti: 'first' }))
      .when(says(SECOPS, 'reroute', { jti: 'second', ...replacing(SECURITY_1, SUBSTITUTE_2) }))
      .thenFollows('reroute_proposed');
  });

  it('a proposal to replace someone who has stopped standing in is void', () => {
    const second = says(IAM, 'reroute', {
      jti: 'second',
      ...now,
      ...replacing(SUBSTITUTE_1, SUBSTITUTE_2, START + 7 * HOUR),
    });
    given(...first, second, at(6 * HOUR, timePasses))
      .when(at(6 * HOUR, says(SECOPS, 'endorse', { endorses: 'second', jti: 'third', revision: 2 })))
      .thenRefused('NOT_NOW');
  });

  it('nothing is endorsed that has been denied since', () => {
    given(...awaiting, says(IAM, 'reroute', { jti: 'first' }), says(LEAD_2, 'deny'))
      .when(says(SECOPS, 'endorse', { endorses: 'first' }))
      .thenRefused('NOT_NOW');
  });

  it('a proposal in a path that was left again since is void', () => {
    const other = { ...fineReroute(aStatement('reroute', IAM)), candidateStages: ['chiefs-1'] };
    const replacesChief = says(
      IAM,
      'reroute',
      { jti: 'second', ...now, ...replacing(CHIEF_1, SUBSTITUTE_1, START + 7 * HOUR) },
      { reroute: { ...other, candidate: standingOf(SUBSTITUTE_1) } },
    );
    const history = [
      ...awaitingApproval(needsApproval([leads()], privileged)),
      says(IAM, 'reroute', { jti: 'first', ...switchingTo('by-the-chiefs') }),
      says(SECOPS, 'endorse', { endorses: 'first' }),
      replacesChief,
    ];
    given(...history.slice(0, -1))
      .when(replacesChief)
      .thenFollows('reroute_proposed');
    given(...history, at(6 * HOUR, timePasses))
      .when(at(6 * HOUR, says(POLICY_ADMIN, 'endorse', { endorses: 'second', revision: 2 })))
      .thenRefused('NOT_NOW');
  });
});

describe('OVR-7 a switch and the replacements before it', () => {
  const to = switchingTo('by-the-chiefs');

  it('ends those in force one after the other, and those that are over no second time', () => {
    const history = [
      ...awaitingApproval(),
      says(IAM, 'reroute', { jti: 'brief', ...replacing(LEAD_1, SUBSTITUTE_1, START + HOUR) }),
      at(HOUR, says(IAM, 'reroute', { jti: 'first', revision: 2 })),
      at(HOUR, says(SECOPS, 'reroute', { jti: 'second', revision: 3, ...replacing(LEAD_2, SUBSTITUTE_2) })),
    ];
    given(...history)
      .when(at(HOUR, says(POLICY_ADMIN, 'reroute', { ...to, revision: 4 })))
      .thenFollows(
        { type: 'replacement_lapsed', jti: 'first', revision: 5 },
        { type: 'replacement_lapsed', jti: 'second', revision: 6 },
        { type: 'path_switched', revision: 7 },
        'stage_opened',
      );
  });

  it('bars no replacement once it has lapsed', () => {
    const lapsed = [
      ...awaitingApproval(),
      says(IAM, 'reroute', switchingTo('by-the-chiefs', START + HOUR)),
      at(HOUR, timePasses),
    ];
    given(...lapsed)
      .when(at(HOUR, says(SECOPS, 'reroute', { revision: 2 })))
      .thenFollows({ type: 'rerouted', revision: 3 });
  });
});
