import type { ApprovalPath, Stage } from '../../../src/domain/assessment';
import { requestDetails } from '../../../src/domain/request-details';
import { chiefs, HOUR, leads, needsApproval, START, security } from '../../support/domain/builders';
import { at, says, timePasses } from '../../support/domain/commands';
import { awaitingApproval, awaitingOneLead } from '../../support/domain/courses';
import {
  CHIEF_1,
  CHIEF_2,
  DELEGATE,
  IAM,
  LEAD_1,
  LEAD_2,
  LEAD_3,
  SECOPS,
  SPONSOR,
  SUBSTITUTE_1,
} from '../../support/domain/people';
import { given, stateAfter, viewAfter } from '../../support/domain/specification';
import { aStatement, fineReroute, replacing, switchingTo } from '../../support/domain/statements';

const to = switchingTo('by-the-chiefs');
const now = { revision: 1 };
const switched = [...awaitingOneLead(), says(IAM, 'reroute', to)];
const privileged = needsApproval([leads()], { privileged: true });

/** Policy offers this path instead of the chiefs'. */
const offering = (alternative: ApprovalPath) => ({
  reroute: { ...fineReroute(aStatement('reroute', IAM, to)), alternative },
});

describe('OVR-2 governance has a stalled request go by another path that policy offers', () => {
  it('opens the first stage of the other path, for its own people', () => {
    const outcome = given(...awaitingOneLead())
      .when(says(IAM, 'reroute', to))
      .thenFollows(
        { type: 'path_switched', revision: 1 },
        { type: 'stage_opened', stage: 'chiefs-1', revision: 1 },
      );
    expect(outcome.events[1]).toMatchObject({
      change: { from: 'ledger-write', path: { name: 'by-the-chiefs' }, by: IAM, ticket: 'OPS-18' },
    });
    given(...switched)
      .when(says(LEAD_1, 'approve', now))
      .thenRefused('NOT_ELIGIBLE');
  });

  it('is carried out when the other path is complete', () => {
    given(...switched)
      .when(says(CHIEF_1, 'approve', now))
      .thenFollows('approval_counted');
    given(...switched, says(CHIEF_1, 'approve', now))
      .when(says(CHIEF_2, 'approve', now))
      .andIs('provisioning');
  });

  it('says in the story what was changed into what, by whom, why, by which policy', () => {
    expect(requestDetails(stateAfter(...switched))).toContain(
      'switch in_force: path ledger-write → by-the-chiefs until 2026-01-05T15:00:00.000Z, by person/iam, ' +
        'no endorsement needed, approver-absent, OPS-18, ledger-write, policy sha-256:policy-of-january',
    );
  });
});

describe('OVR-6 a switch never weakens the path', () => {
  const [stage = leads()] = chiefs().stages;
  const path = (...stages: ApprovalPath['stages']) => ({ name: 'by-the-chiefs', stages });
  const two = needsApproval([leads(), security({ assurance: 'phishing-resistant' })]);
  const strong = { ...stage, name: 'chiefs-2', assurance: 'phishing-resistant' as const, quorum: 1 };
  const stronglySigned = (alternative: ApprovalPath) =>
    says(IAM, 'reroute', to, { ...offering(alternative), assurance: 'phishing-resistant' });

  it.each([
    ['fewer stages', path(stage)],
    ['a smaller quorum', path({ ...stage, quorum: 1 }, strong)],
    ['weaker signatures', path(stage, { ...strong, assurance: 'key' })],
    ['a stage of the same name', path({ ...stage, name: 'security' }, strong)],
    ['someone in conflict', path({ ...stage, eligible: [CHIEF_1, CHIEF_2, SPONSOR] }, strong)],
    ['the rescuer', path({ ...stage, eligible: [CHIEF_1, CHIEF_2, IAM] }, strong)],
    ['fewer people than it needs', path({ ...stage, eligible: [CHIEF_1] }, strong)],
  ])('not with %s', (_, alternative) => {
    given(...awaitingApproval(two))
      .when(stronglySigned(alternative))
      .thenRefused('WOULD_WEAKEN');
    given(...awaitingApproval(two))
      .when(stronglySigned(path(stage, strong)))
      .thenFollows('path_switched', 'stage_opened');
  });

  it('not to choices made in channels that the path did not name (TTA-4)', () => {
    const inChannels = (...channels: readonly string[]) => ({ assurance: 'channel' as const, channels });
    const now = awaitingApproval(needsApproval([leads(inChannels('slack'))]));
    const switchTo = (changes: Partial<Stage>) =>
      says(IAM, 'reroute', to, offering(path({ ...stage, ...changes })));
    for (const wider of [inChannels('mattermost'), inChannels('slack', 'mattermost')])
      given(...now)
        .when(switchTo(wider))
        .thenRefused('WOULD_WEAKEN');
    for (const noWider of [inChannels('slack'), {}])
      given(...now)
        .when(switchTo(noWider))
        .thenFollows('path_switched', 'stage_opened');
  });

  it('not to somebody who has rerouted it before', () => {
    const before = [...awaitingApproval(), says(DELEGATE, 'reroute', { jti: 'first' })];
    const alternative = path({ ...stage, eligible: [CHIEF_1, CHIEF_2, DELEGATE] });
    given(...before)
      .when(says(IAM, 'reroute', { ...to, ...now }, offering(alternative)))
      .thenRefused('WOULD_WEAKEN');
  });

  it('not to a path that policy does not offer, whatever it is called', () => {
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', switchingTo('by-nobody')))
      .thenRefused('WOULD_WEAKEN');
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', to, offering({ ...chiefs(), name: 'another' })))
      .thenRefused('WOULD_WEAKEN');
  });

  it('counts nothing that was approved on the path that is left', () => {
    const halfway = [...awaitingApproval(), says(LEAD_1, 'approve')];
    expect(viewAfter(...halfway, says(IAM, 'reroute', to)).approvals).toEqual([]);
  });

  it('one switch at a time, and not on top of a proposal', () => {
    given(...switched)
      .when(says(SECOPS, 'reroute', { ...to, ...now, jti: 'second' }))
      .thenRefused('NOT_NOW');
    given(...awaitingApproval(privileged), says(SECOPS, 'reroute', { jti: 'first' }))
      .when(says(IAM, 'reroute', to))
      .thenRefused('NOT_NOW');
    given(...awaitingApproval(privileged), says(IAM, 'reroute', to))
      .when(says(SECOPS, 'reroute', { jti: 'second' }))
      .thenRefused('NOT_NOW');
  });

  it('says either whom to replace or which path to take', () => {
    const both = { ...to, ...replacing(LEAD_1, SUBSTITUTE_1) };
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', both))
      .thenRefused('MALFORMED');
    const tooLong = switchingTo('by-the-chiefs', aStatement('reroute', IAM).expiresAtMs + 1);
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', tooLong))
      .thenRefused('MALFORMED');
    const past = switchingTo('by-the-chiefs', aStatement('reroute', IAM).issuedAtMs);
    given(...awaitingOneLead())
      .when(says(IAM, 'reroute', past))
      .thenRefused('MALFORMED');
  });

  it('ends the replacements of the path that is left', () => {
    const before = [...awaitingApproval(), says(IAM, 'reroute', { jti: 'first' })];
    const { state } = given(...before)
      .when(says(SECOPS, 'reroute', { ...to, ...now }))
      .thenFollows(
        { type: 'replacement_lapsed', revision: 2 },
        { type: 'path_switched', revision: 3 },
        'stage_opened',
      );
    expect(state?.revision).toBe(3);
  });

  it('counts among the eight changes that a request can have', () => {
    const half = HOUR / 2;
    const switches = Array.from({ length: 9 }, (_, index) =>
      at(
        index * half,
        says(IAM, 'reroute', {
          jti: `switch-${index}`,
          revision: 2 * index,
          ...switchingTo('by-the-chiefs', START + (index + 1) * half),
        }),
      ),
    );
    const [ninth = timePasses] = switches.slice(8);
    given(...awaitingApproval(), ...switches.slice(0, 8), at(4 * HOUR, timePasses))
      .when(ninth)
      .thenRefused('RATE_LIMITED');
  });
});

describe('OVR-7 a switch lapses by itself', () => {
  it('returns to the original path and its people, and voids what the other path did not decide', () => {
    const two = [...awaitingApproval(), says(IAM, 'reroute', to), says(CHIEF_1, 'approve', now)];
    given(...two)
      .when(at(6 * HOUR, timePasses))
      .thenFollows(
        'reminded',
        'escalated',
        { type: 'switch_lapsed', revision: 2 },
        { type: 'stage_opened', stage: 'leads', revision: 2 },
      );
    expect(viewAfter(...two, at(6 * HOUR, timePasses)).approvals).toEqual([]);
    given(...two, at(6 * HOUR, timePasses))
      .when(at(6 * HOUR, says(CHIEF_2, 'approve', { revision: 2 })))
      .thenRefused('NOT_ELIGIBLE');
    given(...two, at(6 * HOUR, timePasses))
      .when(
        at(6 * HOUR, says(LEAD_2, 'approve', { revision: 2 })),
        at(6 * HOUR, says(LEAD_3, 'approve', { revision: 2 })),
      )
      .andIs('provisioning');
  });

  it('lets nobody who approves late believe it was in time', () => {
    given(...switched)
      .when(at(6 * HOUR, says(CHIEF_1, 'approve', now)))
      .thenFollows('reminded', 'escalated', 'switch_lapsed', 'stage_opened', 'statement_refused')
      .andIs('awaiting_approval');
  });
});

describe('OVR-8 a switch of privileged access waits for a second governor', () => {
  const proposed = [...awaitingApproval(privileged), says(IAM, 'reroute', to)];
  const endorses = { endorses: `reroute-by-${IAM}` };

  it('until then the path is what it was', () => {
    given(...awaitingApproval(privileged))
      .when(says(IAM, 'reroute', to))
      .thenFollows('switch_proposed');
    given(...proposed)
      .when(says(LEAD_1, 'approve'))
      .thenFollows('approval_counted');
  });

  it('and not for the first one', () => {
    given(...proposed)
      .when(says(IAM, 'endorse', endorses))
      .thenRefused('CONFLICTED');
    given(...proposed)
      .when(says(SECOPS, 'endorse', { endorses: 'another' }))
      .thenRefused('NOT_NOW');
    given(...proposed)
      .when(says(SECOPS, 'endorse', endorses))
      .thenFollows({ type: 'path_switched', endorsedBy: SECOPS }, 'stage_opened');
    expect(requestDetails(stateAfter(...proposed))).toContain('endorsement needed');
    expect(requestDetails(stateAfter(...proposed, says(SECOPS, 'endorse', endorses)))).toContain(
      `endorsed by ${SECOPS}`,
    );
  });

  it('and ends unendorsed at its time', () => {
    given(...proposed)
      .when(at(6 * HOUR, timePasses))
      .thenFollows('reminded', 'escalated', 'switch_unendorsed');
    given(...proposed, at(6 * HOUR, timePasses))
      .when(at(6 * HOUR, says(SECOPS, 'endorse', endorses)))
      .thenRefused('NOT_NOW');
  });

  it('the second governor has rerouted it too, and can neither approve nor review it', () => {
    const state = [...proposed, says(SECOPS, 'endorse', endorses)];
    given(...state)
      .when(says(SECOPS, 'approve', now))
      .thenRefused('CONFLICTED');
  });

  it('an approver of the other path governs it no more', () => {
    given(...switched)
      .when(says(CHIEF_1, 'reroute', now, { signer: { ...chief, roles: ['iam-operations'] } }))
      .thenRefused('CONFLICTED');
  });
});

const chief = { id: CHIEF_1, kind: 'person' as const, active: true, roles: [], groups: ['chiefs'] };
