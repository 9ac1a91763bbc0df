import fc from 'fast-check';
import { FrictionTally } from '../../../src/friction/tally';
import { BEGIN, lifeOf } from '../../support/friction/population';

const LIFE = lifeOf({
  id: 'request-0001',
  atMs: BEGIN,
  what: { connector: 'warehouse', resource: 'payments', action: 'write' },
  who: 'ci/payments',
  ends: 'approved',
});

describe('FRI-4 what is recorded was written by others', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['no events', []],
    ['no list', { length: 3 }],
    ['an event of no known type', [...LIFE, { type: 'granted-for-ever', atMs: BEGIN }]],
    ['a name that every object has', [{ type: 'constructor', atMs: BEGIN }]],
    ['an event without a moment', [{ type: 'approved', atMs: 'soon' }]],
    ['a submission without a request', [{ type: 'submitted', atMs: BEGIN }]],
    ['an assessment of another shape', [LIFE[0], { type: 'assessed', atMs: BEGIN, assessment: null }]],
    [
      'stages that are no stages',
      [
        LIFE[0],
        ...LIFE.filter(({ type }) => type === 'assessed').map((event) => ({
          ...event,
          assessment: { path: { name: 'x', stages: [{ name: 'owner', eligible: 7, quorum: 1 }] } },
        })),
        { type: 'stage_opened', atMs: BEGIN, stage: 'owner', revision: 0 },
      ],
    ],
    [
      'policies that are no list',
      LIFE.map((event) =>
        event.type === 'assessed'
          ? { ...event, assessment: { ...event.assessment, determiningPolicies: 'all' } }
          : event,
      ),
    ],
    ['a life without end', Array.from({ length: 20_001 }, () => LIFE[0])],
  ])('%s counts as unreadable, and the rest goes on', (_, events) => {
    const tally = new FrictionTally();
    tally.add(events);
    tally.add(LIFE);
    expect(tally.figures()).toMatchObject({ unreadable: 1, total: { requests: 1 } });
  });

  test('no mutilated life stops the count', () => {
    const junk = fc.oneof(fc.jsonValue(), fc.constant(undefined));
    const mutilated = fc
      .record({ at: fc.nat({ max: LIFE.length - 1 }), member: fc.string(), value: junk })
      .map(({ at, member, value }) =>
        LIFE.map((event, index) => {
          const members = Object.keys(event).filter((name) => name !== 'type' && name !== 'atMs');
          const name = members[member.length % Math.max(1, members.length)] ?? member;
          return index === at ? { ...event, [name]: value } : event;
        }),
      );
    fc.assert(
      fc.property(mutilated, (events) => {
        const tally = new FrictionTally({ teamsOf: () => ['team'] });
        tally.add(events);
        const { total, unreadable } = tally.figures();
        expect(total.requests + unreadable).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});
