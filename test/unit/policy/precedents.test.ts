import type { EarlierAsk } from '../../../src/domain/precedents';
import type { LoadedBundle } from '../../../src/policy';
import { aStatement, replacing } from '../../support/domain/statements';
import { anEmergencyBefore, askedBefore, asks, exampleBundle, HOUR, NOW, onRecord } from './example';

let bundle: LoadedBundle;
beforeAll(async () => {
  bundle = await exampleBundle();
});

const WRITE = 'warehouse:payments#write';
const ADMIN = 'warehouse:payments#admin';
const write = asks('ci/payments', WRITE);
const outage = { emergency: true, emergencyCondition: 'production-outage', ticket: 'INC-1' };
const judged = (request = write, past: Parameters<typeof onRecord>[0] = {}) =>
  bundle.policy.assess(request, NOW, onRecord(past));
const shape = (...args: Parameters<typeof judged>) =>
  judged(...args).path?.stages.map((stage) => [stage.name, stage.quorum, stage.eligible]);
const report = {
  id: 'service/tool-gateway/1',
  reportedBy: 'service/tool-gateway',
  subject: 'ci/payments',
  reasonCode: 'SECRET_FOUND',
  deniedAtMs: NOW - HOUR,
};

describe('APB-4, OVR-6 a reroute finds no fresh approver either', () => {
  const grounds = { reasonCode: 'approver-absent', ticket: 'OPS-1', policyBasis: 'production-write' };
  /** The stages that policy lets someone decide in the place of a lead. */
  const stagesFor = async (who: string, ask?: Partial<EarlierAsk>, emergencyCondition?: string) => {
    const condition = emergencyCondition === undefined ? {} : { emergencyCondition };
    const claims = { ...grounds, ...condition, ...replacing('person/mira', who) };
    const statement = aStatement('reroute', 'person/nadia', claims);
    const past = ask === undefined ? {} : { asks: [askedBefore(write, ask, judged())] };
    const facts = await bundle.policy.checkReroute(statement, write, NOW, onRecord(past));
    return facts.candidateStages;
  };

  test('a substitute may be put in, and under an emergency condition somebody from further away', async () => {
    expect(await stagesFor('person/david')).toEqual(['owner']);
    expect(await stagesFor('person/sofia')).toEqual([]);
    expect(await stagesFor('person/sofia', undefined, 'nobody-answers')).toEqual(['owner']);
  });

  test('OVR-2 nor is anybody kept out where it goes by another path of policy', async () => {
    const claims = { ...grounds, ...replacing('person/david', 'person/aiko') };
    const statement = aStatement('reroute', 'person/nadia', claims);
    const facts = await bundle.policy.checkReroute(statement, write, NOW, onRecord({}));
    expect(facts.candidateStages).toEqual(['owner', 'administrators']);
  });

  test.each([
    'denied',
    'cancelled',
    'withdrawn',
  ] as const)('but nobody who was not asked then: %s', async (end) => {
    expect(await stagesFor('person/david', { end })).toEqual([]);
    expect(await stagesFor('person/sofia', { end }, 'nobody-answers')).toEqual([]);
    const asked = { end, approvers: { administrators: ['person/david'] } };
    expect(await stagesFor('person/david', asked)).toContain('owner');
  });

  test('where nobody answered there is no refusal to get round', async () => {
    expect(await stagesFor('person/david', { end: 'ended' })).toEqual(['owner']);
  });
});

describe('APB-4 asking again does not find fresh approvers', () => {
  test('unheld, a lead may decide', () => {
    expect(shape()).toEqual([['owner', 1, ['person/mira', 'person/tomas']]]);
  });

  test.each([
    'denied',
    'cancelled',
    'withdrawn',
  ] as const)('%s: the same people, and one more of them', (end) => {
    const asked = askedBefore(write, { end }, judged());
    expect(shape(write, { asks: [asked] })).toEqual([['owner', 2, ['person/mira', 'person/tomas']]]);
  });

  test('who has come to the group since is not asked', () => {
    const asked = askedBefore(write, { approvers: { owner: ['person/mira'] } });
    expect(shape(write, { asks: [asked] })).toEqual([['owner', 1, ['person/mira']]]);
  });

  test('where nobody of them may decide any more, nobody decides', () => {
    const asked = askedBefore(write, { approvers: { owner: ['person/ravi'] } });
    expect(judged(write, { asks: [asked] })).toMatchObject({
      outcome: 'refuse',
      reasonCodes: ['NOBODY_CAN_APPROVE'],
    });
  });

  test('lapsed, or not yet decided: the same people, no more of them', () => {
    for (const changes of [{ end: 'ended' as const }, { end: undefined }]) {
      const { end: _none, ...open } = askedBefore(write, { approvers: { owner: ['person/mira'] } });
      const asked = changes.end === undefined ? open : { ...open, ...changes };
      expect(shape(write, { asks: [asked] })).toEqual([['owner', 1, ['person/mira']]]);
    }
  });

  test('another path, as an emergency takes, hears those first who were asked before', () => {
    const ordinary = asks('person/jonas', ADMIN, { ticket: 'OPS-1' });
    const urgent = { ...ordinary, ...outage };
    const asked = askedBefore(ordinary, {}, judged(ordinary));
    const path = judged(urgent, { asks: [asked] }).path;
    expect(path?.stages.map((stage) => stage.name)).toEqual(['asked-before', 'commander']);
    expect(path?.stages[0]?.eligible).toEqual(['person/aiko', 'person/david', 'person/mira', 'person/tomas']);
  });

  test('the same for the same, asked by someone else who answers for it', () => {
    const byOwner = { ...write, requester: 'person/ines' };
    const asked = askedBefore(byOwner, { approvers: { owner: ['person/mira'] } });
    expect(shape(write, { asks: [asked] })).toEqual([['owner', 1, ['person/mira']]]);
  });

  test('what was granted is no refusal, and what is too long ago is forgotten', () => {
    const granted = askedBefore(write, { granted: true, approvers: { owner: ['person/mira'] } });
    const { end: _none, ...ancient } = askedBefore(write, {
      askedAtMs: NOW - 25 * HOUR,
      approvers: { owner: [] },
    });
    expect(shape(write, { asks: [granted, ancient] })).toEqual(shape());
  });

  test('an earlier request is as recent as its end, not as its beginning', () => {
    const asked = askedBefore(write, { askedAtMs: NOW - 72 * HOUR, endedAtMs: NOW - HOUR }, judged());
    expect(shape(write, { asks: [asked] })?.map(([, quorum]) => quorum)).toEqual([2]);
    const ancient = { ...asked, endedAtMs: NOW - 25 * HOUR };
    expect(shape(write, { asks: [ancient] })).toEqual(shape());
  });

  test('a request sheds nothing by waiting: time counts back from when it was first asked', () => {
    const asked = askedBefore(write, { askedAtMs: NOW - 30 * HOUR }, judged());
    const waited = { asks: [asked], askedAtMs: NOW - 29 * HOUR };
    expect(shape(write, waited)?.map(([, quorum]) => quorum)).toEqual([2]);
    expect(shape(write, { asks: [asked], askedAtMs: NOW + HOUR })).toEqual(shape());
  });

  test('past the limit it is refused, before anyone is asked', () => {
    const asked = [1, 2, 3].map((n) => askedBefore(write, { request: `earlier-request-${n}` }, judged()));
    expect(judged(write, { asks: asked.slice(1) }).outcome).toBe('approve');
    expect(judged(write, { asks: asked })).toMatchObject({
      outcome: 'refuse',
      reasonCodes: ['ASKED_TOO_OFTEN'],
    });
  });

  test('near-repeats are counted and limited too: refusals, other actions, other identities of the same people', () => {
    const near = (n: number) => askedBefore(write, { request: `near-request-${n}`, entitlement: ADMIN });
    const sibling = (n: number) =>
      askedBefore(write, { request: `sibling-${n}`, requester: 'bot/deployer', beneficiary: 'bot/deployer' });
    const five = [1, 2, 3, 4, 5];
    expect(judged(write, { asks: five.map(near) }).outcome).toBe('approve');
    expect(judged(write, { asks: [...five.map(near), ...five.map(sibling)] })).toMatchObject({
      reasonCodes: ['ASKED_TOO_OFTEN'],
    });
  });

  test('so are requests that nobody has decided yet', () => {
    const open = (n: number) => {
      const { end: _none, ...ask } = askedBefore(write, { request: `open-request-${n}` }, judged());
      return ask;
    };
    const twenty = Array.from({ length: 20 }, (_, n) => open(n));
    expect(judged(write, { asks: twenty.slice(1) }).outcome).toBe('approve');
    expect(judged(write, { asks: twenty })).toMatchObject({ reasonCodes: ['ASKED_TOO_OFTEN'] });
  });
});

describe('APB-3 what a machine has denied is linked, shown, and weighs', () => {
  test.each([
    ['the resource', { resource: 'warehouse:payments' }],
    ['a control that guards it', { control: 'secret-scanning' }],
  ])('a denial of %s is shown to approvers and brings security in', (_, about) => {
    const assessment = judged(write, { denials: [{ ...report, ...about }] });
    expect(assessment.path?.stages.map((stage) => stage.name)).toEqual(['owner', 'security']);
    expect(assessment.precedents).toEqual([
      expect.objectContaining({ kind: 'reported-denial', id: report.id, by: 'service/tool-gateway' }),
    ]);
    expect(assessment.facts).toMatchObject({ deniedBefore: true });
  });

  test('policy can make it a hard stop, with the safe way', () => {
    const admin = asks('ci/payments', ADMIN, { ticket: 'OPS-1' });
    const assessment = judged(admin, { denials: [{ ...report, control: 'secret-scanning' }] });
    expect(assessment).toMatchObject({ outcome: 'hard_stop', reasonCodes: ['POLICY_HARD_STOP'] });
    expect(assessment.safeWay).toContain('security operations');
  });

  test('a hard stop of our own counts as a denial, for whatever the same control guards', () => {
    const stopped = askedBefore(asks('ci/payments', 'github:secret-scanning#exempt'), {
      outcome: 'hard_stop',
      control: 'secret-scanning',
    });
    const assessment = judged(write, { asks: [stopped] });
    expect(assessment.path?.stages.map((stage) => stage.name)).toEqual(['owner', 'security']);
    expect(assessment.precedents).toEqual([expect.objectContaining({ kind: 'hard-stop' })]);
  });

  test('a hard stop of another identity of the same people is no denial of this one', () => {
    const sibling = { requester: 'bot/deployer', beneficiary: 'bot/deployer' };
    const stopped = askedBefore(write, { ...sibling, outcome: 'hard_stop', control: 'secret-scanning' });
    expect(judged(write, { asks: [stopped] }).facts).not.toHaveProperty('deniedBefore');
  });

  test('outside the window it is forgotten', () => {
    const old = { ...report, resource: 'warehouse:payments', deniedAtMs: NOW - 25 * HOUR };
    expect(judged(write, { denials: [old] })).toEqual(judged());
  });
});

describe('EMG-3, FRI-6 emergencies are few, and paid for', () => {
  const urgent = asks('person/jonas', ADMIN, outage);

  test('while a review is overdue, there is no further emergency, and everything else goes on', () => {
    const owed = anEmergencyBefore({ reviewDueAtMs: NOW - 1 });
    expect(judged(urgent, { grants: [owed] })).toMatchObject({
      outcome: 'refuse',
      reasonCodes: ['REVIEW_OVERDUE'],
    });
    expect(judged(urgent, { grants: [{ ...owed, reviewDueAtMs: NOW + 1 }] }).outcome).toBe('approve');
    const ordinary = asks('person/jonas', ADMIN, { ticket: 'OPS-1' });
    expect(judged(ordinary, { grants: [owed] }).outcome).toBe('approve');
  });

  test('three in a week are enough', () => {
    const three = [1, 2, 3].map((n) => anEmergencyBefore({ request: `emergency-${n}` }));
    expect(judged(urgent, { grants: three.slice(1) }).outcome).toBe('approve');
    expect(judged(urgent, { grants: three })).toMatchObject({ reasonCodes: ['TOO_MANY_EMERGENCIES'] });
    const ago = three.map((grant) => ({ ...grant, grantedAtMs: NOW - 8 * 24 * HOUR }));
    expect(judged(urgent, { grants: ago }).outcome).toBe('approve');
    const others = three.map((grant) => ({ ...grant, requester: 'person/ravi', beneficiary: 'person/ravi' }));
    expect(judged(urgent, { grants: others }).outcome).toBe('approve');
  });

  test('a verdict feeds the record: after an unjustified one, the ordinary way', () => {
    const verdict = 'unjustified' as const;
    expect(judged(urgent, { grants: [anEmergencyBefore({ verdict })] })).toMatchObject({
      outcome: 'refuse',
      determiningPolicies: ['emergencies-are-for-restoration'],
    });
  });
});

describe('APB-2 words are shown to approvers and decide nothing', () => {
  test.each(['Temporarily, just this once', 'The director agrees', 'ｕｒｇｅｎｔ'])('%s', (reason) => {
    const assessment = judged({ ...write, reason });
    expect(assessment.flags?.length).toBeGreaterThan(0);
    const { flags: _shown, ...flagged } = assessment;
    expect(flagged).toEqual(judged({ ...write, reason: 'settle a payment' }));
  });

  test('and where there are none, nothing is said', () => {
    expect(judged({ ...write, reason: 'settle a payment' })).not.toHaveProperty('flags');
  });
});
