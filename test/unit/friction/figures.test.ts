import { type Dimension, FrictionTally, type NamedFigures } from '../../../src/friction/tally';
import { HOUR } from '../../support/domain/builders';
import { REVIEWER } from '../../support/domain/people';
import { healthyCrowd, teamsOf } from '../../support/friction/crowd';
import { ASSESSED_AFTER_MS, BEGIN, lifeOf, nameOf, type Plan } from '../../support/friction/population';

const REMINDERS_MS = [15 * 60_000, 60 * 60_000];
const LAPSES_AFTER_MS = 8 * 3_600_000;

/** What a plan must come to, worked out from the plan alone: the expected answers know nothing of events. */
function expectedOf(plans: readonly Plan[]) {
  const byPeople = plans.filter(({ ends }) => ends !== 'policy-alone' && ends !== 'stopped');
  const approved = byPeople.filter(({ ends }) => ends === 'approved');
  const decisions = plans.flatMap(({ ends, decidesAfterMs = 0 }) => {
    if (ends === 'policy-alone' || ends === 'stopped') return [ASSESSED_AFTER_MS];
    return ends === 'approved' || ends === 'denied' ? [ASSESSED_AFTER_MS + decidesAfterMs] : [];
  });
  const prompts = byPeople.flatMap((plan) => promptsOf(plan));
  return {
    requests: plans.length,
    byPolicy: plans.length - byPeople.length,
    decisions,
    prompts: prompts.length,
    personHours: new Set(prompts.map(({ person, atMs }) => `${person} ${Math.floor(atMs / 3_600_000)}`)).size,
    denials: plans.filter(({ ends }) => ends === 'denied' || ends === 'stopped').length,
    repeats: plans.filter(({ precedents }) => precedents !== undefined).length,
    lapsed: plans.filter(({ ends }) => ends === 'lapsed').length,
    emergencyShare: plans.filter(({ emergency }) => emergency).length / plans.length,
    rerouteShare: byPeople.filter(({ rerouted }) => rerouted).length / Math.max(1, byPeople.length),
    approvingHours: new Set(
      approved.map(({ path, rerouted, atMs, decidesAfterMs = 0 }) => {
        const [[first] = []] = Object.values(path?.stages ?? {});
        const hour = Math.floor((atMs + ASSESSED_AFTER_MS + decidesAfterMs) / 3_600_000);
        return `${rerouted ? 'person/substitute' : first} ${hour}`;
      }),
    ).size,
    approvals: approved.map(({ decidesAfterMs = 0 }) => decidesAfterMs),
  };
}

function promptsOf({ path, ends, decidesAfterMs = 0, rerouted, emergency, atMs }: Plan) {
  const [eligible = []] = Object.values(path?.stages ?? {});
  const openedAtMs = atMs + ASSESSED_AFTER_MS;
  const endsAfterMs = ends === 'lapsed' ? LAPSES_AFTER_MS : decidesAfterMs;
  const asked = (who: readonly string[], whenMs: number) =>
    who.map((person) => ({ person, atMs: openedAtMs + whenMs }));
  const now = rerouted ? ['person/substitute', ...eligible.slice(1)] : eligible;
  const again = REMINDERS_MS.filter((dueMs) => dueMs < endsAfterMs);
  return [
    ...asked(eligible, 0),
    ...(rerouted ? asked(['person/substitute'], 0) : []),
    ...again.flatMap((dueMs) => asked(now, dueMs)),
    // Whoever reviews an emergency is asked when its access has ended.
    ...(emergency ? asked([REVIEWER], decidesAfterMs + HOUR) : []),
  ];
}

const rank = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * values.length)) - 1] ?? Number.NaN;

function expectFigures(found: NamedFigures | undefined, plans: readonly Plan[]): void {
  const { decisions, approvals, personHours, approvingHours, emergencyShare, rerouteShare, ...exact } =
    expectedOf(plans);
  expect(found).toMatchObject(exact);
  expect(found?.approvals).toBe(approvals.length);
  expect(found?.emergencyShare).toBeCloseTo(emergencyShare, 10);
  expect(found?.rerouteShare).toBeCloseTo(rerouteShare, 10);
  const near = (value: number | undefined, expected: number, within: number) =>
    expect(Math.abs((value ?? Number.NaN) - expected)).toBeLessThanOrEqual(expected * within + 1);
  near(found?.decisionP50Ms, rank(decisions, 0.5), 0.011);
  near(found?.decisionP90Ms, rank(decisions, 0.9), 0.011);
  if (approvals.length > 0) near(found?.approvalP50Ms, rank(approvals, 0.5), 0.011);
  if (approvals.length > 0) near(found?.approvalP90Ms, rank(approvals, 0.9), 0.011);
  // How many person-hours there were is an estimate beyond a few.
  if (found !== undefined && personHours > 0)
    near(found.prompts / found.promptsPerPersonHour, personHours, 0.1);
  if (found !== undefined && approvingHours > 0)
    near(found.approvals / found.approvalsPerPersonHour, approvingHours, 0.1);
}

describe('FRI-4 figures of 10,000 generated requests, of which every answer is known', () => {
  const plans = [...healthyCrowd(10_000)];
  const tally = new FrictionTally({ teamsOf });
  const lives = plans.map(lifeOf);
  for (const events of lives) tally.add(events);
  const figures = tally.figures();

  test('of all of them', () => {
    expectFigures({ name: 'all', ...figures.total }, plans);
    expect(figures).toMatchObject({ complete: true, unreadable: 0 });
    expect(figures.total.outcomes).toEqual({
      granted: plans.filter(({ ends }) => ends === 'approved' || ends === 'policy-alone').length,
      stopped: plans.filter(({ ends }) => ends === 'stopped').length,
      denied: plans.filter(({ ends }) => ends === 'denied').length,
      lapsed: plans.filter(({ ends }) => ends === 'lapsed').length,
      withdrawn: plans.filter(({ ends }) => ends === 'withdrawn').length,
      cancelled: 0,
      failed: 0,
      open: 0,
    });
  });

  const GROUPS: Readonly<Record<Dimension, (plan: Plan) => readonly string[]>> = {
    entitlement: ({ what }) => [nameOf(what)],
    identity: ({ who }) => [who],
    team: ({ who }) => teamsOf(who),
    path: ({ ends, path }) => {
      if (ends === 'policy-alone') return ['policy-alone'];
      return ends === 'stopped' ? ['none'] : [path?.name ?? ''];
    },
  };
  test.each(Object.keys(GROUPS) as Dimension[])('of each %s', (dimension) => {
    const names = new Set(plans.flatMap(GROUPS[dimension]));
    expect(figures.by[dimension].map(({ name }) => name).toSorted()).toEqual([...names].toSorted());
    for (const found of figures.by[dimension])
      expectFigures(
        found,
        plans.filter((plan) => GROUPS[dimension](plan).includes(found.name)),
      );
  });

  test('of each approver: prompts, the busiest hour, approvals also by the hour, denials', () => {
    for (const approver of figures.approvers) {
      const prompts = plans
        .filter(({ ends }) => ends !== 'policy-alone' && ends !== 'stopped')
        .flatMap(promptsOf)
        .filter(({ person }) => person === approver.person);
      const hours = new Map<number, number>();
      for (const { atMs } of prompts) {
        const hour = Math.floor(atMs / 3_600_000);
        hours.set(hour, (hours.get(hour) ?? 0) + 1);
      }
      const decided = plans.filter(({ path, rerouted }) => {
        const [[first] = []] = Object.values(path?.stages ?? {});
        return (rerouted ? 'person/substitute' : first) === approver.person;
      });
      expect(approver).toMatchObject({
        prompts: prompts.length,
        approvals: decided.filter(({ ends }) => ends === 'approved').length,
        denials: decided.filter(({ ends }) => ends === 'denied').length,
      });
      expect(approver.busiestHour.prompts).toBe(Math.max(...hours.values()));
      expect(approver.promptsPerHour).toBeCloseTo(prompts.length / hours.size, 10);
      const approvedIn = new Map<number, number>();
      for (const { ends, atMs, decidesAfterMs = 0 } of decided) {
        const hour = Math.floor((atMs + ASSESSED_AFTER_MS + decidesAfterMs) / 3_600_000);
        if (ends === 'approved') approvedIn.set(hour, (approvedIn.get(hour) ?? 0) + 1);
      }
      expect(approver.mostApprovalsInAnHour).toBe(Math.max(0, ...approvedIn.values()));
      expect(approver.approvalsPerHour).toBeCloseTo(approver.approvals / Math.max(1, approvedIn.size), 10);
    }
    expect(figures.approvers.map(({ person }) => person).toSorted()).toEqual(
      ['person/lena', 'person/mira', REVIEWER, 'person/substitute', 'person/tomas'].toSorted(),
    );
  });

  test('the order of requests makes no difference', () => {
    const backwards = new FrictionTally({ teamsOf });
    for (const events of lives.toReversed()) backwards.add(events);
    expect(backwards.figures()).toEqual(figures);
  });

  test('only those submitted in the span count, its end exclusive', () => {
    const [fromMs, toMs] = [BEGIN + 10 * 86_400_000, BEGIN + 20 * 86_400_000];
    const tallyOfSpan = new FrictionTally({ fromMs, toMs });
    const [first] = plans;
    if (first === undefined) throw new Error('nobody has asked');
    for (const events of [lifeOf({ ...first, atMs: toMs }), ...lives]) tallyOfSpan.add(events);
    const within = plans.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
    expect(tallyOfSpan.figures().total.requests).toBe(within.length);
  });

  test('drift counts for the entitlement and the identity it belongs to', () => {
    const withDrift = new FrictionTally({ teamsOf });
    const seen = {
      connector: 'warehouse',
      account: 'atlas_agent',
      grant: 'reader',
      firstAtMs: 1,
      lastAtMs: 2,
      times: 3,
    };
    withDrift.addDrift({ ...seen, identity: 'agent/atlas', entitlement: 'warehouse:reporting#read' });
    withDrift.addDrift(seen);
    const { total, by } = withDrift.figures();
    expect(total.drift).toBe(2);
    expect(by.entitlement).toMatchObject([{ name: 'warehouse:reporting#read', drift: 1 }]);
    expect(by.team).toMatchObject([{ name: 'analytics', drift: 1 }]);
  });
});
