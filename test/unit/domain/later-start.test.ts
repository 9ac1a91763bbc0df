import { checkCarriedLog } from '../../../src/domain/carried-log';
import { nextDeadline } from '../../../src/domain/clock';
import { decide } from '../../../src/domain/decide';
import { nextEffect } from '../../../src/domain/effect';
import { evolve, fold } from '../../../src/domain/evolve';
import { hasBegun } from '../../../src/domain/lasting';
import type { AccessRequest } from '../../../src/domain/request';
import type { RequestState } from '../../../src/domain/state';
import {
  anEmergencyRequest,
  aRequest,
  DAY,
  HOUR,
  leads,
  MINUTE,
  needsApproval,
  permitted,
  START,
} from '../../support/domain/builders';
import {
  assess,
  at,
  granted,
  madeAt,
  says,
  saysAbout,
  submit,
  timePasses,
} from '../../support/domain/commands';
import { evidence, kept, proofResult } from '../../support/domain/evidence';
import { IAM, LEAD_1, LEAD_2, LEAD_3, PROCESS_OWNER, REQUESTER, SPONSOR } from '../../support/domain/people';
import { DirectoryInMemory, PolicyInMemory, submitted } from '../../support/domain/ports';
import { courseOf, given, stateAfter, viewAfter } from '../../support/domain/specification';
import { switchingTo } from '../../support/domain/statements';

const begins = START + 20 * HOUR;
const request = aRequest({ notBeforeMs: begins });
const approves = (who: string, claims = {}) => saysAbout(request, who, 'approve', claims);
const asked = (about: AccessRequest = request, assessment = needsApproval()) => [
  submit(about),
  assess(assessment),
];
const approved = [...asked(), approves(LEAD_1), approves(LEAD_2)];

describe('APB-6, TTA-6 access that is asked for later', () => {
  it('has begun at its moment, and not before', () => {
    expect([begins - 1, begins].map((atMs) => hasBegun(request, atMs))).toEqual([false, true]);
    expect(hasBegun(aRequest(), 0)).toBe(true);
  });

  it('is approved now and begins then', () => {
    given(...asked(), approves(LEAD_1))
      .when(approves(LEAD_2))
      .thenFollows('approval_counted', 'stage_completed', 'approved')
      .andIs('approved');
    const state = stateAfter(...approved);
    expect(nextEffect(state)).toBeUndefined();
    expect(nextDeadline(state)).toMatchObject({ atMs: begins, summary: 'access begins' });
    expect(viewAfter(...approved).awaiting).toEqual([]);
    given(...approved)
      .when(at(20 * HOUR - 1, timePasses))
      .thenNothingHappened();
    const begun = given(...approved).when(at(20 * HOUR, timePasses));
    begun.thenFollows('provisioning_started').andIs('provisioning');
  });

  it('begins at once if it is approved after that moment, and lasts as long as was asked', () => {
    const late = [
      ...asked(request, needsApproval([leads({ expireAfterMs: 3 * DAY })])),
      at(21 * HOUR, approves(LEAD_1, madeAt(21 * HOUR))),
      at(22 * HOUR, approves(LEAD_2, madeAt(22 * HOUR))),
    ];
    const grantedAtMs = START + 22 * HOUR;
    const lease = { grantedAtMs, expiresAtMs: grantedAtMs + 9 * HOUR };
    const state = stateAfter(...late, at(22 * HOUR, granted(lease)));
    expect(state).toMatchObject({ status: 'active', lease: { expiresAtMs: grantedAtMs + 2 * HOUR } });
  });

  it('ends as long after its start as was asked, not after its approval', () => {
    const lease = { grantedAtMs: begins, expiresAtMs: begins + 2 * HOUR };
    const active = [...approved, at(20 * HOUR, timePasses), at(20 * HOUR, granted(lease))];
    given(...active)
      .when(at(22 * HOUR - 1, timePasses))
      .thenNothingHappened();
    given(...active)
      .when(at(22 * HOUR, timePasses))
      .thenFollows({ type: 'ending_ordered', end: 'expired' });
  });

  it('by policy alone waits for its start too', () => {
    given(submit(request))
      .when(assess(permitted()))
      .thenFollows('recognised', 'assessed', 'permitted')
      .andIs('approved');
    given(submit(request), assess(permitted()))
      .when(at(20 * HOUR, timePasses))
      .andIs('provisioning');
  });

  it('waits for a confirmation first, and then for its start', () => {
    const confirmed = needsApproval(undefined, { confirmation: { by: [SPONSOR], before: 'execution' } });
    const history = [...asked(request, confirmed), approves(LEAD_1), approves(LEAD_2)];
    expect(viewAfter(...history).awaiting).toEqual([SPONSOR]);
    given(...history)
      .when(saysAbout(request, SPONSOR, 'confirm'))
      .thenFollows('confirmed')
      .andIs('approved');
    const ready = [...history, saysAbout(request, SPONSOR, 'confirm')];
    expect(viewAfter(...ready)).toMatchObject({ awaiting: [], nextDeadline: { summary: 'access begins' } });
    given(...ready)
      .when(at(20 * HOUR, timePasses))
      .andIs('provisioning');
    given(...history)
      .when(at(20 * HOUR - 1, timePasses))
      .andIs('lapsed');
  });

  it('is not approved by a statement that would not count any more when it begins', () => {
    for (const lifeMs of [HOUR, 20 * HOUR])
      given(...asked())
        .when(approves(LEAD_1, madeAt(0, lifeMs)))
        .thenRefused('EXPIRED_STATEMENT');
    given(...asked())
      .when(approves(LEAD_1, madeAt(0, 20 * HOUR + 1)))
      .thenFollows('approval_counted');
  });

  it.each([
    ['denied', LEAD_1, 'deny'],
    ['denied', LEAD_3, 'deny'],
    ['cancelled', PROCESS_OWNER, 'cancel'],
    ['withdrawn', REQUESTER, 'withdraw'],
  ] as const)('is %s by %s while it waits', (status, who, verb) => {
    const says = saysAbout(request, who, verb);
    given(...approved)
      .when(at(HOUR, says))
      .thenFollows(status)
      .andIs(status);
    given(...approved, at(HOUR, says))
      .when(at(20 * HOUR, timePasses))
      .thenNothingHappened();
  });

  it('is denied by nobody who is not an approver, is in conflict, or names another stage', () => {
    given(...approved)
      .when(saysAbout(request, SPONSOR, 'deny'))
      .thenRefused('CONFLICTED');
    given(...approved)
      .when(saysAbout(request, PROCESS_OWNER, 'deny'))
      .thenRefused('NOT_ELIGIBLE');
    given(...approved)
      .when(saysAbout(request, LEAD_1, 'deny', { stage: 'security' }))
      .thenRefused('NOT_ELIGIBLE');
    given(...approved)
      .when(saysAbout(request, IAM, 'reroute'))
      .thenRefused('NOT_NOW');
  });

  it('is settled once approved, if it has no start: denying it is refused as before', () => {
    const confirmed = needsApproval(undefined, { confirmation: { by: [SPONSOR], before: 'execution' } });
    given(submit(), assess(confirmed), says(LEAD_1, 'approve'), says(LEAD_2, 'approve'))
      .when(says(LEAD_1, 'deny'))
      .thenRefused('NOT_NOW');
  });

  it('goes back to its approvers if the path it was approved by ends before the start', () => {
    const history = [
      ...asked(),
      saysAbout(request, IAM, 'reroute', switchingTo('by-the-chiefs', START + 6 * HOUR)),
      saysAbout(request, 'person/chief-1', 'approve', { revision: 1 }),
      saysAbout(request, 'person/chief-2', 'approve', { revision: 1 }),
    ];
    const state = stateAfter(...history);
    expect(state.status).toBe('approved');
    given(...history)
      .when(at(6 * HOUR, timePasses))
      .thenFollows('switch_lapsed', { type: 'stage_opened', stage: 'leads' });
  });

  it('OVR-7 does not begin on a path that has ended, if the start was missed until then', () => {
    const soon = aRequest({ notBeforeMs: START + 2 * HOUR });
    const history = [
      ...asked(soon),
      saysAbout(soon, IAM, 'reroute', switchingTo('by-the-chiefs', START + 6 * HOUR)),
      saysAbout(soon, 'person/chief-1', 'approve', { revision: 1 }),
      saysAbout(soon, 'person/chief-2', 'approve', { revision: 1 }),
    ];
    given(...history)
      .when(at(6 * HOUR - 1, timePasses))
      .thenFollows('provisioning_started');
    given(...history)
      .when(at(6 * HOUR, timePasses))
      .thenFollows('switch_lapsed', { type: 'stage_opened', stage: 'leads' })
      .andIs('awaiting_approval');
  });

  it('fails if nothing was carried out before its approvals ended, whatever held the worker up', () => {
    const course = courseOf(...approved, at(2 * DAY, timePasses));
    expect(course.slice(-2).map(({ type }) => type)).toEqual(['provisioning_started', 'provisioning_failed']);
  });

  it('is refused as an emergency, more than seven days ahead, and at no moment at all', () => {
    const unsound: AccessRequest[] = [
      anEmergencyRequest({ notBeforeMs: START + HOUR }),
      aRequest({ notBeforeMs: START + 7 * DAY + 1 }),
      aRequest({ notBeforeMs: 1.5 }),
    ];
    const permits = permitted({ reviewWithinMs: DAY });
    for (const one of unsound) expect(stateAfter(submit(one), assess(permits)).status).toBe('refused');
    const longest = aRequest({ notBeforeMs: START + 7 * DAY });
    expect(stateAfter(submit(longest), assess(permits)).status).toBe('approved');
  });
});

describe('TTA-5, TTA-6 the act proves that the start has come', () => {
  const of = (verb: 'approve' | 'deny', who: string, afterMs = MINUTE) =>
    kept(who, verb, {}, afterMs, request);
  const later = evidence({
    submission: submitted(request),
    statements: [of('approve', LEAD_1), of('approve', LEAD_2)],
  });

  it('not a moment before, and by the people and the policy of then', async () => {
    expect(await proofResult(later, { afterMs: 20 * HOUR - 1 })).toBe('NOT_NOW');
    expect(await proofResult(later, { afterMs: 20 * HOUR })).toBe('authorised');
    const left = new DirectoryInMemory({ [LEAD_1]: { active: false } });
    expect(await proofResult(later, { afterMs: 20 * HOUR, directory: left })).toBe('DISABLED_IDENTITY');
    expect(await proofResult(later, { afterMs: DAY })).toBe('EXPIRED_STATEMENT');
  });

  it('and never after a denial that came while it waited', async () => {
    const denied = { ...later, statements: [...later.statements, of('deny', LEAD_1, HOUR)] };
    expect(await proofResult(denied, { afterMs: 20 * HOUR })).toBe('NOT_AUTHORISED');
  });

  it('a run that takes over while it waits goes on waiting', async () => {
    const events = courseOf(
      submit(request),
      assess(),
      ...later.statements.map(({ envelope, receivedAtMs }) => ({
        type: 'consider' as const,
        atMs: receivedAtMs,
        check: new DirectoryInMemory().check(envelope),
      })),
    ).map((event) => (event.type === 'submitted' ? { ...event, submission: later.submission } : event));
    const check = (afterMs: number) =>
      checkCarriedLog(
        events,
        later.submission,
        START + afterMs,
        new DirectoryInMemory(),
        new PolicyInMemory(),
        undefined,
      );
    const carried = await check(10 * HOUR);
    expect(carried).toMatchObject({ ok: true, value: { status: 'approved' } });
    const state = fold(events);
    if (state === null) throw new Error('no state');
    expect(nextDeadline(state)).toMatchObject({ atMs: begins });
    expect(decide(state, at(20 * HOUR, timePasses)).reduce<RequestState>(evolve, state).status).toBe(
      'provisioning',
    );
    expect((await check(20 * HOUR)).ok).toBe(true);
  });
});
