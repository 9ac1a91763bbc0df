import { EntitlementPathTally } from '../../../src/friction/entitlement-path';
import { findingsOf, SIGNALS, type Signal, type Surroundings } from '../../../src/friction/signals';
import { autoApproval } from '../../../src/friction/signals/policy-change';
import { type DriftSeen, FrictionTally } from '../../../src/friction/tally';
import { DAY, HOUR, MINUTE } from '../../support/domain/builders';
import { healthyCrowd, teamsOf } from '../../support/friction/crowd';
import { BEGIN, lifeOf, nameOf, type Plan } from '../../support/friction/population';

const HEALTHY = [...healthyCrowd(600)].map(lifeOf);
const REPORTING = { connector: 'warehouse', resource: 'reporting', action: 'read' };
const ADMIN = { connector: 'warehouse', resource: 'orders', action: 'restore' };

/** Everything the healthy crowd uses. */
const offered = [...new Set([...healthyCrowd(600)].map(({ what }) => nameOf(what)))];
const SURROUNDINGS: Surroundings = { entitlements: offered };

/** As many like it, each of a name of its own, two hours apart. */
const many = (
  count: number,
  plan: Partial<Plan>,
  vary: (index: number) => Partial<Plan> = () => ({}),
): Plan[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `planted-${index}`,
    atMs: BEGIN + index * 2 * HOUR,
    what: REPORTING,
    who: 'agent/atlas',
    ends: 'approved',
    decidesAfterMs: 5 * MINUTE + index,
    path: { name: 'quick-look', stages: { owner: [`person/lead-${index % 4}`, 'person/other'] } },
    policies: ['reporting-by-people'],
    ...plan,
    ...vary(index),
  }));

function findIn(
  planted: readonly Plan[],
  {
    drift = [],
    surroundings = SURROUNDINGS,
    spanMs = 60 * DAY,
  }: {
    readonly drift?: readonly DriftSeen[];
    readonly surroundings?: Surroundings;
    readonly spanMs?: number;
  } = {},
) {
  const tally = new FrictionTally({ teamsOf });
  for (const events of [...HEALTHY, ...planted.map(lifeOf)]) tally.add(events);
  for (const seen of drift) tally.addDrift(seen);
  const figures = tally.figures();
  expect(figures.unreadable).toBe(0);
  const found = findingsOf({ tally, figures, surroundings, spanMs });
  return { found, of: (signal: Signal) => found.filter((one) => one.signal === signal) };
}

test('FRI-5 no signal where nothing is wrong', () => {
  expect(findIn([]).found).toEqual([]);
});

describe('FRI-5 auto-approval candidates', () => {
  const planted = many(40, {}, (index) => ({ who: index % 2 === 0 ? 'agent/atlas' : 'ci/payments' }));

  test('what people have always granted is one, with its evidence and a policy that would do it', () => {
    const { of, found } = findIn(planted);
    expect(found.length).toBe(1);
    expect(of('auto-approval-candidate')).toMatchObject([
      {
        subject: 'warehouse:reporting#read by quick-look',
        evidence: {
          requests: 40,
          granted: 40,
          'requests in doubt': 0,
          identities: 2,
          'waiting, median': '5m',
        },
        change: {
          exempt: { policies: ['reporting-by-people'] },
          preview: expect.stringContaining('countersign policy preview <folder of the bundle> --proposal'),
        },
      },
    ]);
    const [change] = of('auto-approval-candidate').map((one) => one.change);
    expect(change?.add).toContain('[Workload::"agent/atlas", Workload::"ci/payments"].contains(principal)');
    expect(change?.add).toContain('context.selfRequested && context.durationSeconds <= 3600');
    expect(change?.add).not.toContain('hasTicket');
  });

  test.each<[string, (plan: Plan, index: number) => Plan]>([
    ['one was denied', (plan, index) => (index === 7 ? { ...plan, ends: 'denied' } : plan)],
    ['one was revoked', (plan, index) => (index === 7 ? { ...plan, revoked: true } : plan)],
    ['one lapsed, so nobody knows', (plan, index) => (index === 7 ? { ...plan, ends: 'lapsed' } : plan)],
    ['it is privileged', (plan) => ({ ...plan, privileged: true })],
    ['there were too few', (plan, index) => (index >= 29 ? { ...plan, ends: 'open' } : plan)],
    ['they were emergencies', (plan) => ({ ...plan, emergency: true })],
    ['each came after a denial by a machine', (plan) => ({ ...plan, precedents: ['reported-denial'] })],
    ['nobody asked more than once', (plan, index) => ({ ...plan, who: `service/s${index}` })],
    ['policy alone does it already', (plan) => ({ ...plan, ends: 'policy-alone' })],
  ])('is none where %s', (_, change) => {
    expect(findIn(planted.map(change)).of('auto-approval-candidate')).toEqual([]);
  });

  test('proposals for different things have different ids, so that one bundle can take all of them', () => {
    const idFor = (about: Partial<EntitlementPathTally>, who = 'agent/atlas') => {
      const candidate = Object.assign(new EntitlementPathTally(), {
        entitlement: nameOf(REPORTING),
        path: 'a path',
        ...about,
      });
      candidate.beneficiaries.set(who, { asked: 9, granted: 9 });
      return /@id\("([\w.-]{1,128})"\)/.exec(autoApproval(candidate)?.add ?? '')?.[1];
    };
    const long = `warehouse:${'a'.repeat(120)}`;
    const ids = [
      idFor({ entitlement: 'warehouse:pay.ments#read' }),
      idFor({ entitlement: 'warehouse:pay/ments#read' }),
      idFor({ entitlement: 'warehouse:pay-ments#read' }),
      idFor({ entitlement: 'warehouse:pay-ments#read' }, 'person/mira'),
      idFor({ entitlement: 'warehouse:pay-ments#read', path: 'another path' }),
      idFor({ entitlement: `${long}#read` }),
      idFor({ entitlement: `${long}#write` }),
    ];
    expect(ids).not.toContain(undefined);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('FRI-5 a proposal names sixteen identities, and says for how many more the same holds', () => {
    const candidate = new EntitlementPathTally();
    Object.assign(candidate, { entitlement: nameOf(REPORTING), path: 'a path', granted: 99, requests: 99 });
    const name = (index: number) => `service/s${String(index).padStart(2, '0')}`;
    for (let index = 0; index < 16; index += 1)
      candidate.beneficiaries.set(name(index), { asked: 9, granted: 9 });
    expect(autoApproval(candidate)).not.toHaveProperty('leftOut');
    for (let index = 16; index < 20; index += 1)
      candidate.beneficiaries.set(name(index), { asked: 9, granted: 9 });
    expect(autoApproval(candidate)).toMatchObject({ leftOut: 4, add: expect.stringContaining(name(15)) });
    expect(autoApproval(candidate)?.add).not.toContain(name(16));
  });

  test('what a request says cannot break out of the policy text', () => {
    const candidate = new EntitlementPathTally();
    Object.assign(candidate, { entitlement: nameOf(REPORTING), path: 'a path', granted: 9, requests: 9 });
    candidate.beneficiaries.set('agent/"].contains(principal)};permit(principal,action,resource);//', {
      asked: 9,
      granted: 9,
    });
    expect(autoApproval(candidate)?.add).toContain('Workload::"agent/\\"].contains');
    candidate.entitlement = 'warehouse:x"; permit(principal, action, resource); //#read';
    expect(autoApproval(candidate)).toBeUndefined();
  });
});

describe('FRI-5 approver bottlenecks', () => {
  const stages = { owner: ['person/busy', 'person/idle', 'person/away'] };
  const slow: Partial<Plan> = { path: { name: 'slow', stages }, decidesAfterMs: 40 * MINUTE };
  const withOneDenied = (index: number): Partial<Plan> => (index === 3 ? { ends: 'denied' } : {});

  test('one of three decides everything, after a reminder', () => {
    const { found } = findIn(many(40, slow, withOneDenied));
    expect(found).toMatchObject([
      {
        signal: 'approver-bottleneck',
        subject: 'slow, stage owner',
        evidence: {
          person: 'person/busy',
          decisions: 40,
          'decisions of all': 40,
          'others who could': 2,
          reminded: 40,
        },
      },
    ]);
    expect(found[0]?.proposal).toContain('2 other persons could decide');
  });

  test('says so where nobody else can', () => {
    const alone = { ...slow, path: { name: 'slow', stages: { owner: ['person/busy'] } } };
    const [found] = findIn(many(40, alone, withOneDenied)).of('approver-bottleneck');
    expect(found?.proposal).toContain('Nobody else can decide');
  });

  test.each<[string, (index: number) => Partial<Plan>]>([
    ['they answer in time', () => ({ decidesAfterMs: 10 * MINUTE })],
    [
      'they take turns',
      (index) => ({
        path: {
          name: 'slow',
          stages: { owner: [...stages.owner.slice(index % 3), ...stages.owner.slice(0, index % 3)] },
        },
      }),
    ],
    ['hardly anything was decided', (index) => (index > 15 ? { ends: 'open' } : {})],
  ])('is none where %s', (_, vary) => {
    const planted = many(40, slow, (index) => ({ ...withOneDenied(index), ...vary(index) }));
    expect(findIn(planted).of('approver-bottleneck')).toEqual([]);
  });
});

describe('FRI-5 FRI-6 entitlements only reached by emergency', () => {
  const emergencies = many(8, {
    what: ADMIN,
    emergency: true,
    path: { name: 'incident', stages: { c: ['person/sofia'] } },
  });

  test('are found, and whether ordinary requests are made', () => {
    const { found } = findIn(emergencies);
    expect(found).toMatchObject([
      {
        signal: 'emergency-only',
        subject: nameOf(ADMIN),
        evidence: { grants: 8, 'emergency grants': 8, conditions: 'production-outage' },
      },
    ]);
    expect(found[0]?.proposal).toContain('Nobody makes an ordinary request');
    const tried = findIn([...emergencies, ...many(2, { what: ADMIN, ends: 'lapsed' })]).of('emergency-only');
    expect(tried[0]?.proposal).toContain('Ordinary requests are made and not granted');
  });

  test('are not found if ordinary requests are granted too, or emergencies are rare', () => {
    expect(findIn([...emergencies, ...many(2, { what: ADMIN })]).of('emergency-only')).toEqual([]);
    expect(findIn(emergencies.slice(0, 4)).of('emergency-only')).toEqual([]);
  });
});

describe('FRI-5 identities with repeated denials', () => {
  const denied = many(5, { who: 'agent/lost', ends: 'denied' });

  test('are found, with what they want and the safe way', () => {
    const stops = many(3, {
      who: 'agent/lost',
      ends: 'stopped',
      safeWay: 'Rotate the credential.',
      what: ADMIN,
    });
    expect(findIn([...denied, ...stops]).found).toMatchObject([
      {
        signal: 'repeated-denials',
        subject: 'agent/lost',
        evidence: { 'denied by people': 5, 'stopped by policy': 3, 'most often': `${nameOf(REPORTING)} (5)` },
        proposal: expect.stringContaining('Rotate the credential.'),
      },
    ]);
  });

  test('are none where it was seldom, or mostly granted', () => {
    expect(findIn(denied.slice(0, 3)).of('repeated-denials')).toEqual([]);
    expect(findIn([...denied, ...many(6, { who: 'agent/lost' })]).of('repeated-denials')).toEqual([]);
  });
});

describe('FRI-5 entitlements nobody uses', () => {
  const surroundings = { entitlements: [...offered, 'warehouse:attic#read', nameOf(ADMIN)] };

  test('are those that nobody was granted in a long time', () => {
    const { of } = findIn(many(3, { what: ADMIN, ends: 'denied', who: 'service/x' }), { surroundings });
    const found = of('unused-entitlement');
    expect(found.map(({ subject }) => subject)).toEqual(['warehouse:attic#read', nameOf(ADMIN)]);
    expect(found.map(({ proposal }) => proposal.split(' ').slice(0, 3).join(' '))).toEqual([
      'Remove it from',
      'It is requested',
    ]);
  });

  test('are none in a span too short to say', () => {
    expect(findIn([], { surroundings, spanMs: 29 * DAY }).found).toEqual([]);
  });
});

describe('FRI-5 FRI-8 access out of band', () => {
  const drift = (account: string): DriftSeen => ({
    connector: 'warehouse',
    account,
    grant: 'production_write',
    entitlement: 'warehouse:payments#write',
    firstAtMs: BEGIN,
    lastAtMs: BEGIN + HOUR,
    times: 4,
  });

  test('is one finding for each thing held, with the accounts that hold it', () => {
    expect(findIn([], { drift: [drift('ravi'), drift('deploy_bot')] }).found).toMatchObject([
      {
        signal: 'out-of-band-access',
        subject: 'production_write on warehouse',
        summary: '2 accounts on warehouse hold production_write without a request',
        evidence: { accounts: 'deploy_bot, ravi', entitlement: 'warehouse:payments#write' },
      },
    ]);
  });
});

describe('FRI-5 approvals that were hardly read', () => {
  const quick = many(
    30,
    { path: { name: 'quick-look', stages: { owner: ['person/stamp', 'person/other'] } } },
    (index) => ({
      decidesAfterMs: index < 26 ? 2_000 : 3 * MINUTE,
      ...(index === 29 && { ends: 'denied' as const }),
    }),
  );

  test('are found, with the person and the median', () => {
    expect(findIn(quick).found).toMatchObject([
      {
        signal: 'hardly-read-approvals',
        subject: 'person/stamp',
        evidence: { approvals: 29, denials: 1, 'seconds, median': 2 },
      },
    ]);
  });

  test('are none where most took their time', () => {
    const read = quick.map((plan, index) => (index < 8 ? { ...plan, decidesAfterMs: 30_000 } : plan));
    expect(findIn(read).of('hardly-read-approvals')).toEqual([]);
  });
});

test('FRI-5 every signal is planted above', () => {
  const everything = [
    ...many(40, {}),
    ...many(
      30,
      { path: { name: 'slow', stages: { owner: ['person/busy'] } }, decidesAfterMs: HOUR / 2 },
      (index) => ({
        id: `planted-slow-${index}`,
        who: `service/s${index}`,
        what: ADMIN,
        emergency: true,
      }),
    ),
    ...many(8, { who: 'agent/lost', ends: 'denied', what: { ...ADMIN, action: 'drop' } }),
    ...many(30, { path: { name: 'stamped', stages: { owner: ['person/stamp'] } }, decidesAfterMs: 1_000 }),
  ];
  const drift = [{ connector: 'w', account: 'a', grant: 'g', firstAtMs: 1, lastAtMs: BEGIN, times: 1 }];
  const { found } = findIn(everything, { drift, surroundings: { entitlements: ['warehouse:attic#read'] } });
  expect(SIGNALS.filter((signal) => !found.some((one) => one.signal === signal))).toEqual([]);
});
