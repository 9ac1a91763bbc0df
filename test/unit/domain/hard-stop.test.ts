import { VERBS } from '../../../src/domain/statement';
import {
  anEmergencyRequest,
  aRequest,
  DAY,
  HOUR,
  leads,
  needsApproval,
  permitted,
  recognition,
  START,
  stopped,
} from '../../support/domain/builders';
import { assess, at, barred, granted, says, submit, timePasses } from '../../support/domain/commands';
import { active } from '../../support/domain/courses';
import { EVERYBODY, LEAD_1, LEAD_2, REQUESTER } from '../../support/domain/people';
import { courseOf, given, viewAfter } from '../../support/domain/specification';

describe('APB-1 weakening a control ends in a hard stop', () => {
  const hardStopped = [submit(), assess(stopped('hard_stop'))];

  it('ends the request by machine, with a reason code, before any human is asked', () => {
    given(submit())
      .when(assess(stopped('hard_stop')))
      .thenFollows('recognised', { type: 'assessed', assessment: stopped('hard_stop') }, 'hard_stopped')
      .andIs('hard_stopped');
  });

  it('no statement of anybody turns it round', () => {
    for (const who of EVERYBODY)
      for (const verb of VERBS) {
        const outcome = given(...hardStopped).when(says(who, verb));
        outcome.thenFollows('statement_refused').andIs('hard_stopped');
      }
  });

  it('neither a second assessment, nor a grant, nor time turns it round', () => {
    given(...hardStopped, barred)
      .when(assess(permitted()), granted(), at(40 * DAY, timePasses), submit())
      .thenNothingHappened()
      .andIs('hard_stopped');
  });

  it('holds for an emergency request as for any other', () => {
    given(submit(anEmergencyRequest()))
      .when(assess(stopped('hard_stop')))
      .thenFollows('recognised', 'assessed', 'hard_stopped');
  });

  it('holds even if the assessment carries a path along', () => {
    const { path } = needsApproval();
    given(submit())
      .when(
        assess(stopped('hard_stop', { ...(path && { path }) })),
        says(LEAD_1, 'approve'),
        says(LEAD_2, 'approve'),
      )
      .thenFollows('recognised', 'assessed', 'hard_stopped', 'statement_refused', 'statement_refused');
  });
});

describe('APB-6 every grant is just-in-time and ends by itself', () => {
  const limit = needsApproval().maxDurationMs;

  it.each([
    ['zero', 0],
    ['negative', -HOUR],
    ['a fraction', 0.5],
    ['over the limit of policy', limit + 1],
    ['beyond what a number can hold exactly', Number.MAX_SAFE_INTEGER + 1],
  ])('refuses a duration that is %s', (_, durationMs) => {
    for (const assessment of [needsApproval(), permitted()])
      given(submit(aRequest({ durationMs })))
        .when(assess(assessment))
        .thenFollows('recognised', 'assessed', 'refused')
        .andIs('refused');
  });

  it.each([
    ['no number at all', Number.NaN],
    ['infinite', Number.POSITIVE_INFINITY],
  ])('refuses to take in a request whose duration is %s', (_, durationMs) => {
    given()
      .when(submit(aRequest({ durationMs })))
      .thenFollows(
        { type: 'submission_rejected', refusal: expect.objectContaining({ code: 'MALFORMED' }) },
        'barred',
      )
      .andIs('refused');
  });

  it('refuses a missing duration', () => {
    const { durationMs: _missing, ...rest } = aRequest();
    const request = JSON.parse(JSON.stringify(rest));
    given(submit(request)).when(assess()).thenFollows('recognised', 'assessed', 'refused');
  });

  it.each([
    ['30 days', aRequest({ durationMs: 30 * DAY }), aRequest({ durationMs: 30 * DAY + 1 })],
    [
      '8 hours in an emergency',
      anEmergencyRequest({ durationMs: 8 * HOUR }),
      anEmergencyRequest({ durationMs: 8 * HOUR + 1 }),
    ],
  ])('has a ceiling of %s whatever policy says', (_, within, beyond) => {
    const generous = needsApproval([leads()], { maxDurationMs: 365 * DAY, reviewWithinMs: DAY });
    given(submit(within)).when(assess(generous)).thenFollows('recognised', 'assessed', 'stage_opened');
    given(submit(beyond)).when(assess(generous)).thenFollows('recognised', 'assessed', 'refused');
  });

  it('ends at its time, without anybody doing anything', () => {
    given(...active())
      .when(at(2 * HOUR - 1, timePasses))
      .thenNothingHappened();
    given(...active())
      .when(at(2 * HOUR, timePasses))
      .thenFollows({ type: 'ending_ordered', end: 'expired' });
  });

  it.each([
    ['later than was asked for', { expiresAtMs: START + 30 * DAY }],
    ['never', { expiresAtMs: Number.NaN }],
    ['never, because it has not begun', { grantedAtMs: START + DAY, expiresAtMs: START + DAY + 2 * HOUR }],
  ])('a lease that a target says ends %s ends at its time all the same', (_, lease) => {
    const events = courseOf(...active().slice(0, -1), granted(lease), at(2 * HOUR, timePasses));
    expect(events.at(-1)).toMatchObject({ type: 'ending_ordered', end: 'expired' });
  });
});

describe('APB-7 a hard stop names the safe way', () => {
  it('keeps what policy names in the record', () => {
    const safeWay = 'rotate the token instead';
    expect(viewAfter(submit(), assess(stopped('hard_stop', { safeWay }))).assessment?.safeWay).toBe(safeWay);
  });
});

describe('APB-6 and TTA-1 an assessment lets through only what is sound', () => {
  it.each([
    ['nothing to grant on the target', { binding: undefined }],
    [
      'a requester who is not named as a party',
      { parties: needsApproval().parties.filter((one) => one.id !== REQUESTER) },
    ],
    ['an approval without a path', { path: undefined }],
    ['a confirmation by nobody', { confirmation: { by: [], before: 'execution' as const } }],
    ['an outcome that does not exist', { outcome: 'sure' }],
  ])('refuses %s', (_, changes) => {
    const assessment = JSON.parse(JSON.stringify({ ...needsApproval(), ...changes }));
    given(submit()).when(assess(assessment)).thenFollows('recognised', 'assessed', 'refused');
  });

  it('refuses a permit that carries a path along', () => {
    const { path } = needsApproval();
    given(submit())
      .when(assess(permitted({ ...(path && { path }) })))
      .thenFollows('recognised', 'assessed', 'refused');
  });

  it('refuses a requester who was not recognised, or was recognised as somebody else', () => {
    const command = { type: 'record_assessment', atMs: START, assessment: permitted() } as const;
    given(submit()).when(command).thenFollows('assessed', 'refused');
    given(submit())
      .when({ ...command, recognition: { ...recognition, principal: LEAD_1 } })
      .thenFollows('recognised', 'assessed', 'refused');
  });
});
