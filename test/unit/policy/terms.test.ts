import { strictestTerms } from '../../../src/policy/evaluate/terms';
import type { PathDefinition, StageDefinition } from '../../../src/policy/load/paths-file';
import type { PermitRule } from '../../../src/policy/load/policy-rule';
import { HOUR } from './example';

const stage = (name: string, approvers: readonly string[]): StageDefinition => ({
  name,
  approvers: [...approvers],
  substitutes: [],
  quorum: 1,
  assurance: 'key',
  remindAfter: HOUR,
  escalateAfter: HOUR,
  expireAfter: HOUR,
});
const OWNER = stage('owner', ['resource-owners']);
const DBA = stage('dba', ['dba']);
const SECURITY = stage('security', ['security']);
const pathWith = (name: string, stages: StageDefinition[]): PathDefinition => ({
  name,
  title: name,
  alternatives: [],
  stages,
});
const PATHS: readonly PathDefinition[] = [
  pathWith('owner', [OWNER]),
  pathWith('two-owners', [{ ...OWNER, quorum: 2 }]),
  pathWith('strong-owner', [{ ...OWNER, assurance: 'phishing-resistant' }]),
  pathWith('chat-owner', [{ ...OWNER, assurance: 'channel', channels: ['slack'] }]),
  pathWith('signed-by-owner', [{ ...OWNER, assurance: 'channel' }]),
  pathWith('leads', [stage('leads', ['payments-leads'])]),
  pathWith('leads-or-dba', [stage('either', ['payments-leads', 'dba'])]),
  pathWith('dba', [DBA]),
  pathWith('owner-dba', [OWNER, DBA]),
  pathWith('owner-security', [OWNER, SECURITY]),
  pathWith('security-owner', [SECURITY, OWNER]),
  pathWith('owner-dba-security', [OWNER, DBA, SECURITY]),
];
const known = new Map(PATHS.map((path) => [path.name, path]));

const permit = (about: Partial<PermitRule>): PermitRule => ({
  effect: 'permit',
  id: 'any',
  title: 'any',
  file: 'access.cedar',
  line: 1,
  ...about,
});
const combined = (...rules: readonly Partial<PermitRule>[]) =>
  strictestTerms(rules.map(permit), known, 'payments-leads', 24 * HOUR);
const pathOf = (...paths: readonly string[]) => {
  const result = combined(...paths.map((path) => ({ path })));
  return result.ok ? result.terms.path?.name : result.why;
};

describe('TTA-2, TTA-4 several permits combine to the strictest of each, and no demand is dropped', () => {
  test.each([
    ['a path and none', ['owner'], 'owner'],
    ['more stages', ['owner', 'owner-security'], 'owner-security'],
    ['more people', ['owner', 'two-owners'], 'two-owners'],
    ['stronger keys', ['owner', 'strong-owner'], 'strong-owner'],
    ['fewer who may', ['leads-or-dba', 'dba'], 'dba'],
    ['owners are whoever owns the resource at hand', ['leads-or-dba', 'owner'], 'owner'],
    ['a stage in between', ['owner-security', 'owner-dba-security'], 'owner-dba-security'],
    ['all of several', ['owner-dba', 'owner-dba-security', 'owner-security'], 'owner-dba-security'],
  ])('%s', (_, paths, expected) => {
    expect(pathOf(...paths)).toBe(expected);
    expect(pathOf(...[...paths].reverse())).toBe(expected);
    const alone = combined({}, ...paths.map((path) => ({ path })));
    expect(alone).toMatchObject({ ok: true, terms: { path: { name: expected } } });
  });

  test.each([
    ['other people in the second stage', ['owner-dba', 'owner-security']],
    ['other people, each in one stage', ['owner', 'dba']],
    ['more people here, stronger keys there', ['two-owners', 'strong-owner']],
    ['another order', ['owner-security', 'security-owner']],
    ['more stages, fewer people in one', ['two-owners', 'owner-dba-security']],
    ['a path that there is not', ['owner', 'nowhere']],
  ])('where neither is the stricter, nothing is let through: %s', (_, paths) => {
    expect(pathOf(...paths)).toMatch(/demanded together/);
    for (const path of paths) expect(pathOf(...paths)).toContain(path);
  });

  test('a confirmation comes before approval where any asks for that, and is of one relation', () => {
    const late = { confirmation: { relation: 'sponsor', before: 'execution' } } as const;
    const early = { confirmation: { relation: 'sponsor', before: 'approval' } } as const;
    expect(combined(late, early, {})).toMatchObject({ ok: true, terms: early });
    const other = { confirmation: { relation: 'owner', before: 'execution' } } as const;
    expect(combined(early, other)).toEqual({ ok: false, why: expect.stringMatching(/owner and sponsor/) });
  });

  test('the shortest of all durations and reviews counts, also of a path that another asks for all of', () => {
    const short = new Map([...known, ['owner', { ...pathWith('owner', [OWNER]), maxDuration: HOUR }]]);
    const rules = [
      permit({ path: 'owner', reviewWithinMs: 2 * HOUR }),
      permit({ path: 'owner-dba', maxDurationMs: 3 * HOUR, reviewWithinMs: 5 * HOUR }),
    ];
    expect(strictestTerms(rules, short, 'payments-leads', 24 * HOUR)).toMatchObject({
      terms: { path: { name: 'owner-dba' }, maxDurationMs: HOUR, reviewWithinMs: 2 * HOUR },
    });
  });

  test('approvals count as long as by the demanded path where they count for the shortest time', () => {
    const counting = (ownerMs: number | undefined, bothMs: number | undefined) => {
      const said = (ms: number | undefined) => (ms === undefined ? {} : { approvalsCountFor: ms });
      const paths = new Map([
        ['owner', { ...pathWith('owner', [OWNER]), ...said(ownerMs) }],
        ['owner-dba', { ...pathWith('owner-dba', [OWNER, DBA]), ...said(bothMs) }],
      ]);
      const rules = [permit({ path: 'owner' }), permit({ path: 'owner-dba' })];
      const result = strictestTerms(rules, paths, 'payments-leads', 24 * HOUR);
      return result.ok ? result.terms.path?.approvalsCountFor : result.why;
    };
    expect(counting(undefined, undefined)).toBeUndefined();
    expect(counting(48 * HOUR, 72 * HOUR)).toBe(48 * HOUR);
    expect(counting(undefined, 72 * HOUR)).toBe(24 * HOUR);
    expect(counting(4 * HOUR, undefined)).toBe(4 * HOUR);
  });
});

describe('TTA-4 of paths that are demanded together, a chat counts only where all of them name it', () => {
  it.each([
    ['owner', 'chat-owner', 'owner'],
    ['signed-by-owner', 'chat-owner', 'signed-by-owner'],
    ['chat-owner', 'chat-owner', 'chat-owner'],
  ])('%s and %s come to %s', (one, other, both) => {
    expect(pathOf(one, other)).toBe(both);
    expect(pathOf(other, one)).toBe(both);
  });
});
