import type { DomainEvent } from '../../../src/domain/event';
import { timelineOf } from '../../../src/friction/timeline';
import { MINUTE } from '../../support/domain/builders';
import { BEGIN, lifeOf, type Plan } from '../../support/friction/population';

const PLAN: Plan = {
  id: 'request-1',
  atMs: BEGIN,
  what: { connector: 'warehouse', resource: 'payments', action: 'write' },
  who: 'ci/payments',
  ends: 'approved',
  path: { name: 'two-stages', stages: { owner: ['person/mira', 'person/tomas'], dba: ['person/david'] } },
  decidesAfterMs: 40_000,
  policies: ['production-write'],
};
const timelineOfPlan = (changes: Partial<Plan>) => timelineOf(lifeOf({ ...PLAN, ...changes }));

describe('FRI-4 the timeline of one request, read from its events', () => {
  test('who was asked and when, and how long each approval took from the moment it was asked for', () => {
    expect(timelineOfPlan({})).toMatchObject({
      entitlement: 'warehouse:payments#write',
      path: 'two-stages',
      end: 'granted',
      decidedAfterMs: 80_020,
      prompts: [
        { person: 'person/mira', atMs: BEGIN + 20 },
        { person: 'person/tomas', atMs: BEGIN + 20 },
        { person: 'person/david', atMs: BEGIN + 40_020 },
      ],
      approvals: [
        { by: 'person/mira', stage: 'owner', atMs: BEGIN + 40_020, afterMs: 40_000 },
        { by: 'person/david', stage: 'dba', atMs: BEGIN + 80_020, afterMs: 40_000 },
      ],
      stages: [
        { name: 'owner', reminded: false, completedAfterMs: 40_000 },
        { name: 'dba', reminded: false, completedAfterMs: 40_000 },
      ],
      reminders: 0,
      rerouted: false,
    });
  });

  test('a reminder and an escalation each ask everyone again who has not answered', () => {
    const timeline = timelineOfPlan({ decidesAfterMs: 90 * MINUTE });
    expect(
      timeline?.prompts.filter(({ person }) => person === 'person/tomas').map(({ atMs }) => atMs),
    ).toEqual([BEGIN + 20, BEGIN + 20 + 15 * MINUTE, BEGIN + 20 + 60 * MINUTE]);
    expect(timeline).toMatchObject({
      reminders: 4,
      approvals: [{ afterMs: 90 * MINUTE }, { by: 'person/david' }],
    });
  });

  test('whoever confirms is asked once, however many stages follow', () => {
    const by = 'person/sponsor';
    const confirmed = lifeOf(PLAN).flatMap((event): readonly DomainEvent[] => {
      if (event.type !== 'assessed') return [event];
      const assessment = { ...event.assessment, confirmation: { by: [by], before: 'approval' as const } };
      const { atMs } = event;
      return [
        { ...event, assessment },
        { type: 'confirmation_awaited', atMs },
        { type: 'confirmed', atMs, by, jti: 'confirmation', expiresAtMs: atMs + 60 * MINUTE },
      ];
    });
    expect(timelineOf(confirmed)?.prompts.map(({ person }) => person)).toEqual([
      by,
      'person/mira',
      'person/tomas',
      'person/david',
    ]);
  });

  test('a replacement is asked from the moment of the reroute', () => {
    const timeline = timelineOfPlan({ rerouted: true });
    expect(timeline).toMatchObject({
      rerouted: true,
      approvals: [{ by: 'person/substitute', afterMs: 40_000 }, {}],
    });
    expect(timeline?.prompts).toContainEqual({ person: 'person/substitute', atMs: BEGIN + 20 });
  });

  test.each([
    ['policy-alone', { path: 'policy-alone', end: 'granted', decidedAfterMs: 20, prompts: [] }],
    ['stopped', { path: 'none', end: 'stopped', decidedAfterMs: 20, prompts: [] }],
    ['denied', { end: 'denied', decidedAfterMs: 40_020, deniedBy: 'person/mira', approvals: [] }],
    ['lapsed', { end: 'lapsed', stages: [{ reminded: true, escalated: true }] }],
    ['withdrawn', { end: 'withdrawn' }],
    ['open', { end: 'open' }],
  ] as const)('one that ends %s', (ends, expected) => {
    expect(timelineOfPlan({ ends })).toMatchObject(expected);
    if (['lapsed', 'withdrawn', 'open'].includes(ends))
      expect(timelineOfPlan({ ends })?.decidedAfterMs).toBeUndefined();
  });

  test('asked again counts only what was asked before and led nowhere', () => {
    expect(timelineOfPlan({ precedents: ['denied'] })?.repeat).toBe(true);
    expect(timelineOfPlan({ precedents: ['unanswered'] })?.repeat).toBe(true);
    expect(timelineOfPlan({ precedents: ['open'] })?.repeat).toBe(false);
    expect(timelineOfPlan({ precedents: ['reported-denial'] })).toMatchObject({
      repeat: false,
      afterMachineDenial: true,
    });
  });

  test('what was never a request is no timeline', () => {
    expect(timelineOf([])).toBeUndefined();
    expect(
      timelineOf([{ type: 'submission_rejected', atMs: 1, refusal: { code: 'MALFORMED', detail: 'no' } }]),
    ).toBeUndefined();
  });
});
