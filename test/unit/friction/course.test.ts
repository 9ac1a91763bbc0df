import type { DomainEvent } from '../../../src/domain/event';
import { courseOf } from '../../../src/friction/course';
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
const courseOfPlan = (changes: Partial<Plan>) => courseOf(lifeOf({ ...PLAN, ...changes }));

describe('FRI-4 the course of one request, read from its events', () => {
  test('who was asked and when, and how long each approval took from the moment it was asked for', () => {
    expect(courseOfPlan({})).toMatchObject({
      entitlement: 'warehouse:payments#write',
      path: 'two-stages',
      outcome: 'granted',
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
    const course = courseOfPlan({ decidesAfterMs: 90 * MINUTE });
    expect(course?.prompts.filter(({ person }) => person === 'person/tomas').map(({ atMs }) => atMs)).toEqual(
      [BEGIN + 20, BEGIN + 20 + 15 * MINUTE, BEGIN + 20 + 60 * MINUTE],
    );
    expect(course).toMatchObject({
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
    expect(courseOf(confirmed)?.prompts.map(({ person }) => person)).toEqual([
      by,
      'person/mira',
      'person/tomas',
      'person/david',
    ]);
  });

  test('a replacement is asked from the moment of the reroute', () => {
    const course = courseOfPlan({ rerouted: true });
    expect(course).toMatchObject({
      rerouted: true,
      approvals: [{ by: 'person/substitute', afterMs: 40_000 }, {}],
    });
    expect(course?.prompts).toContainEqual({ person: 'person/substitute', atMs: BEGIN + 20 });
  });

  test.each([
    ['policy-alone', { path: 'policy-alone', outcome: 'granted', decidedAfterMs: 20, prompts: [] }],
    ['stopped', { path: 'none', outcome: 'stopped', decidedAfterMs: 20, prompts: [] }],
    ['denied', { outcome: 'denied', decidedAfterMs: 40_020, deniedBy: 'person/mira', approvals: [] }],
    ['lapsed', { outcome: 'lapsed', stages: [{ reminded: true, escalated: true }] }],
    ['withdrawn', { outcome: 'withdrawn' }],
    ['open', { outcome: 'open' }],
  ] as const)('one that ends %s', (ends, expected) => {
    expect(courseOfPlan({ ends })).toMatchObject(expected);
    if (['lapsed', 'withdrawn', 'open'].includes(ends))
      expect(courseOfPlan({ ends })?.decidedAfterMs).toBeUndefined();
  });

  test('asked again counts only what was asked before and led nowhere', () => {
    expect(courseOfPlan({ precedents: ['denied'] })?.repeat).toBe(true);
    expect(courseOfPlan({ precedents: ['unanswered'] })?.repeat).toBe(true);
    expect(courseOfPlan({ precedents: ['open'] })?.repeat).toBe(false);
    expect(courseOfPlan({ precedents: ['reported-denial'] })).toMatchObject({
      repeat: false,
      afterMachineDenial: true,
    });
  });

  test('what was never a request is no course', () => {
    expect(courseOf([])).toBeUndefined();
    expect(
      courseOf([{ type: 'submission_rejected', atMs: 1, refusal: { code: 'MALFORMED', detail: 'no' } }]),
    ).toBeUndefined();
  });
});
