import { namedEntitlement } from '../../../src/contracts/request';
import type { AccessRequest } from '../../../src/domain/request';
import { isSound } from '../../../src/domain/rules/soundness';
import { FileTicketSource, type LoadedBundle, loadBundle } from '../../../src/policy';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { sampleRequest } from '../../support/keyring';

const NOW = Date.UTC(2026, 10, 1);
const HOUR = 3_600_000;
let bundle: LoadedBundle;
beforeAll(async () => {
  const loaded = await loadBundle(EXAMPLE_BUNDLE_DIR, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  bundle = loaded.bundle;
});

const ask = (who: string, what: string, about: Partial<AccessRequest> = {}): AccessRequest =>
  sampleRequest({
    requester: who,
    beneficiary: who,
    entitlement: namedEntitlement.parse(what),
    submittedAtMs: NOW,
    ...about,
  });
const assess = (request: AccessRequest) => bundle.policy.assess(request, NOW);

const REPORTING = 'warehouse:reporting#read';
const WRITE = 'warehouse:payments#write';
const ADMIN = 'warehouse:payments#admin';
const outage = { emergency: true, emergencyCondition: 'production-outage', ticket: 'INC-1' };

describe('what the example bundle lets through, and by which way', () => {
  test.each([
    ['FRI-1 an agent reads reports by policy alone', ask('agent/atlas', REPORTING), 'permit', []],
    ['a contractor reads reports', ask('person/kim', REPORTING), 'permit', []],
    ['a pipeline changes production, by one lead', ask('ci/payments', WRITE), 'approve', ['owner']],
    [
      'a bot administers production, by two stages',
      ask('bot/deployer', ADMIN, { ticket: 'OPS-1' }),
      'approve',
      ['owner', 'dba'],
    ],
    [
      'EMG-1 on-call in a declared outage, by a commander',
      ask('person/jonas', ADMIN, outage),
      'approve',
      ['commander'],
    ],
  ])('%s', (_, request, outcome, stages) => {
    const assessment = assess(request);
    expect([assessment.outcome, assessment.path?.stages.map((stage) => stage.name) ?? []]).toEqual([
      outcome,
      stages,
    ]);
    expect(isSound(request, assessment)).toBe(true);
  });

  test('OVR-3 whoever is in conflict is not among the approvers', () => {
    const stages = assess(ask('person/mira', WRITE)).path?.stages;
    expect(stages?.[0]?.eligible).toEqual(['person/tomas']);
  });

  test('FRI-6 an emergency is short and reviewed by people who stand apart', () => {
    const assessment = assess(ask('person/jonas', ADMIN, outage));
    expect(assessment).toMatchObject({
      maxDurationMs: HOUR,
      reviewWithinMs: 24 * HOUR,
      reviewers: ['person/amara'],
    });
  });
});

describe('what it does not let through, with the reason', () => {
  test.each([
    [
      'APB-6 longer than policy allows',
      ask('agent/atlas', REPORTING, { durationMs: 2 * HOUR }),
      'DURATION_OVER_LIMIT',
    ],
    ['APB-6 without an end', ask('agent/atlas', REPORTING, { durationMs: 0 }), 'DURATION_NOT_BOUNDED'],
    ['nothing matches', ask('person/helen', WRITE), 'NO_MATCHING_POLICY'],
    ['unknown entitlement', ask('agent/atlas', 'warehouse:secrets#read'), 'UNKNOWN_ENTITLEMENT'],
    ['unknown requester', ask('agent/ghost', REPORTING), 'UNKNOWN_REQUESTER'],
    [
      'EMG-1 a condition that nobody named',
      ask('person/jonas', ADMIN, { ...outage, emergencyCondition: 'hurry' }),
      'EMERGENCY_NOT_NAMED',
    ],
    [
      'EMG-1 an emergency without a ticket',
      ask('person/jonas', ADMIN, { emergency: true, emergencyCondition: 'production-outage' }),
      'NO_MATCHING_POLICY',
    ],
    [
      'EMG-1 the emergency flag for what is no emergency',
      ask('agent/atlas', REPORTING, outage),
      'NO_MATCHING_POLICY',
    ],
    ['FRI-7 a contractor changes production', ask('person/kim', WRITE), 'FORBIDDEN_BY_POLICY'],
    [
      'asked for by a stranger',
      ask('agent/atlas', REPORTING, { requester: 'ci/payments' }),
      'FORBIDDEN_BY_POLICY',
    ],
    [
      'TTA-2 submitted long ago',
      ask('agent/atlas', REPORTING, { submittedAtMs: NOW - 31 * 24 * HOUR }),
      'STALE_SUBMISSION',
    ],
    [
      'submitted tomorrow',
      ask('agent/atlas', REPORTING, { submittedAtMs: NOW + 24 * HOUR }),
      'STALE_SUBMISSION',
    ],
  ])('%s', (_, request, reasonCode) => {
    const assessment = assess(request);
    expect([assessment.outcome, assessment.reasonCodes]).toEqual(['refuse', [reasonCode]]);
  });

  test('FRI-7 a grant that would outlive a contractor', () => {
    const endMs = Date.UTC(2027, 5, 30);
    const request = ask('person/kim', REPORTING, { submittedAtMs: endMs - HOUR / 2, durationMs: HOUR });
    expect(bundle.policy.assess(request, endMs - HOUR / 2).reasonCodes).toEqual(['OUTLIVES_IDENTITY']);
    expect(bundle.policy.assess(request, endMs + 1).reasonCodes).toEqual(['INACTIVE_IDENTITY']);
  });
});

describe('APB-1, APB-7 what weakens a control is stopped, and the safe way is named', () => {
  const controls = () => bundle.context.catalog.entries().filter((entry) => entry.weakens !== undefined);
  const dressings: readonly [string, Partial<AccessRequest>][] = [
    ['plainly', {}],
    ['as an emergency', outage],
    ['APB-2 with kind words', { reason: 'the director has approved this; it is not a control at all' }],
    ['for a senior person', { requester: 'person/helen', beneficiary: 'person/helen' }],
    ['for a second', { durationMs: 1_000 }],
  ];

  test('the catalog names controls of every kind', () => {
    const named = new Set(controls().map((entry) => entry.weakens?.control));
    expect([...named].sort()).toEqual([
      'approval-policy',
      'branch-protection',
      'connector-allow-list',
      'countersign-directory',
      'credential-rotation',
      'log-retention',
      'mfa',
      'network-policy',
      'secret-scanning',
      'time-limits',
    ]);
  });

  test.each(dressings)('asked for %s', (_, about) => {
    for (const { entitlement: asked } of controls()) {
      const assessment = assess({ ...ask('bot/deployer', REPORTING), entitlement: asked, ...about });
      expect([assessment.outcome, assessment.reasonCodes]).toEqual(['hard_stop', ['CONTROL_WEAKENING']]);
      expect(assessment.safeWay).toMatch(/\w{3}/);
      expect(assessment.path).toBeUndefined();
    }
  });

  test('a hard stop of policy names its code and its safe way', () => {
    const assessment = assess(ask('agent/atlas', ADMIN, { ticket: 'OPS-1' }));
    expect(assessment).toMatchObject({ outcome: 'hard_stop', reasonCodes: ['POLICY_HARD_STOP'] });
    expect(assessment.explanation).toContain('AGENT_ADMIN');
    expect(assessment.safeWay).toContain('migration');
  });
});
