import { isSound } from '../../../src/domain/rules/soundness';
import type { LoadedBundle } from '../../../src/policy';
import { whyNoStart } from '../../../src/policy/evaluate/start';
import { pathsSchema } from '../../../src/policy/load/paths-file';
import { asks, exampleBundle, HOUR, NOW } from './example';

const DAY = 24 * HOUR;
let bundle: LoadedBundle;
beforeAll(async () => {
  bundle = await exampleBundle();
});

const WRITE = 'warehouse:payments#write';
const READ = 'warehouse:reporting#read';
const startingAt = (what: string, afterMs: number) =>
  asks(what === WRITE ? 'ci/payments' : 'agent/atlas', what, { notBeforeMs: NOW + afterMs });
const reasons = (...args: Parameters<typeof startingAt>) =>
  bundle.policy.assess(startingAt(...args), NOW).reasonCodes.join();

describe('TTA-6 policy says how much later access may begin', () => {
  test.each([
    [WRITE, 1, 'APPROVAL_NEEDED'],
    [WRITE, DAY, 'APPROVAL_NEEDED'],
    [WRITE, DAY + 1, 'START_NOT_POSSIBLE'],
    [WRITE, 0, 'START_NOT_POSSIBLE'],
    [WRITE, -HOUR, 'START_NOT_POSSIBLE'],
    [READ, 7 * DAY, 'PERMITTED_BY_POLICY'],
    [READ, 7 * DAY + 1, 'START_NOT_POSSIBLE'],
  ])('%s, %p ms later: %s', (what, afterMs, reason) => {
    expect(reasons(what, afterMs)).toBe(reason);
  });

  test('as long after as the approvals of its path count', () => {
    const [definition] = [...bundle.context.paths.values()];
    if (definition === undefined) throw new Error('the bundle has no path');
    const why = (approvalsCountFor: number, afterMs: number) =>
      whyNoStart(
        startingAt(WRITE, afterMs),
        { path: { ...definition, approvalsCountFor }, maxDurationMs: HOUR },
        NOW,
      );
    expect(why(3 * DAY, 3 * DAY)).toBeUndefined();
    expect(why(3 * DAY, 3 * DAY + 1)).toMatch(
      /latest start is 2026-11-04T00:00:00.000Z, since its approvals count for 3d/,
    );
    expect(why(4 * HOUR, 5 * HOUR)).toMatch(/count for 4h/);
  });

  test('an emergency begins at once', () => {
    const outage = { emergency: true, emergencyCondition: 'production-outage', ticket: 'INC-1' };
    const request = asks('person/jonas', 'warehouse:payments#admin', { ...outage, notBeforeMs: NOW + HOUR });
    const assessment = bundle.policy.assess(request, NOW);
    expect(assessment).toMatchObject({ outcome: 'refuse', reasonCodes: ['START_NOT_POSSIBLE'] });
    expect(
      isSound(request, { ...bundle.policy.assess({ ...request, notBeforeMs: NOW }, NOW), outcome: 'permit' }),
    ).toBe(false);
  });

  test('and when it is judged again at the act, a start that has come is no obstacle', () => {
    for (const atMs of [NOW + HOUR, NOW + 20 * DAY])
      expect(bundle.policy.assess(startingAt(WRITE, HOUR), atMs).reasonCodes).toEqual(['APPROVAL_NEEDED']);
  });

  test('FRI-7 the grant ends before its contractor does, counted from its start', () => {
    const endMs = Date.UTC(2027, 5, 30);
    const assess = (notBeforeMs?: number) =>
      bundle.policy.assess(
        asks('person/kim', READ, {
          submittedAtMs: endMs - DAY,
          durationMs: HOUR,
          ...(notBeforeMs !== undefined && { notBeforeMs }),
        }),
        endMs - DAY,
      ).reasonCodes;
    expect(assess()).toEqual(['PERMITTED_BY_POLICY']);
    expect(assess(endMs - HOUR)).toEqual(['PERMITTED_BY_POLICY']);
    expect(assess(endMs - HOUR + 1)).toEqual(['OUTLIVES_IDENTITY']);
  });
});

describe('TTA-3 paths.yaml says how long approvals count', () => {
  const path = (approvalsCountFor?: string) => ({
    ticketPattern: 'OPS-1',
    rerouteReasons: {},
    reviewers: 'leads',
    paths: {
      one: {
        title: 'one',
        ...(approvalsCountFor !== undefined && { approvalsCountFor }),
        stages: [
          {
            ...{ name: 'leads', approvers: ['leads'], quorum: 1, assurance: 'key' },
            ...{ remindAfter: '1h', escalateAfter: '2h', expireAfter: '3h' },
          },
        ],
      },
    },
  });

  test.each([
    [undefined, true],
    ['3d', true],
    ['7d', true],
    ['4h', true],
    ['7d1s', false],
    ['0s', false],
    ['a week', false],
  ])('%p: %p', (text, isGood) => {
    expect(pathsSchema.safeParse(path(text)).success).toBe(isGood);
  });

  test('a bundle that says nothing gives the assessments of before, to the byte', () => {
    const { path: assessed } = bundle.policy.assess(asks('ci/payments', WRITE), NOW);
    expect(Object.keys(assessed ?? {})).toEqual(['name', 'stages']);
  });
});
