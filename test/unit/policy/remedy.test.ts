import { shortenedAsRecorded } from '../../../src/audit/evidence/earlier-limits';
import { sayRemedy } from '../../../src/contracts/remedy';
import type { AccessRequest } from '../../../src/domain/request';
import { bundleOf, FileTicketSource, type LoadedBundle } from '../../../src/policy';
import { asks, exampleBundle, HOUR, MINUTE, NOW } from './example';

let bundle: LoadedBundle;
beforeAll(async () => {
  bundle = await exampleBundle();
});
const assess = (request: AccessRequest) => bundle.policy.assess(request, NOW);

const ADMIN = 'warehouse:payments#admin';
const REPORTING = 'warehouse:reporting#read';

describe('APB-7, FRI-1 a refusal says what would change the answer', () => {
  test.each([
    ['only a ticket is missing', asks('bot/deployer', ADMIN), { ticket: true }],
    [
      'a ticket is missing and it is too long',
      asks('bot/deployer', ADMIN, { durationMs: 8 * HOUR }),
      { ticket: true, atMostMs: 2 * HOUR },
    ],
    ['it is too long', asks('agent/atlas', REPORTING, { durationMs: 90 * MINUTE }), { atMostMs: HOUR }],
  ])('%s', (_, request, remedy) => {
    expect(assess(request).remedy).toEqual(remedy);
  });

  test('what it names lets the request through', () => {
    const request = asks('bot/deployer', ADMIN, { durationMs: 8 * HOUR });
    const { ticket, atMostMs = 0 } = assess(request).remedy ?? {};
    const again = assess({ ...request, ...(ticket && { ticket: 'OPS-1' }), durationMs: atMostMs });
    expect(again.outcome).toBe('approve');
  });

  test.each([
    ['nothing small would help', asks('person/ravi', ADMIN)],
    ['a hard stop', asks('agent/atlas', 'network:egress-policy#disable')],
    ['one asks for others', asks('bot/deployer', ADMIN, { requester: 'person/ravi' })],
    ['it is asked on behalf of others', asks('bot/deployer', ADMIN, { onBehalfOf: ['person/ines'] })],
  ])('TTA-1 it says nothing where %s', (_, request) => {
    const assessment = assess(request);
    expect(assessment.outcome).not.toMatch(/permit|approve/);
    expect(assessment).not.toHaveProperty('remedy');
  });

  test('TTA-1 who has to ask is said by relation, and only to those who answer for the identity', () => {
    const text = bundle.files.get('access.cedar') ?? '';
    const byGuardian = text.replace(
      'context.selfRequested || context.requestedByGuardian',
      'context.requestedByGuardian',
    );
    expect(byGuardian).not.toBe(text);
    // Without the rule of the example bundle that forbids errands of strangers, which says a safe way of its own.
    const guards = bundle.files.get('guard.cedar') ?? '';
    const withoutRule = guards.slice(guards.indexOf('@id("no-agent-admin")'));
    expect(withoutRule).not.toContain('no-strangers-errands');
    const files = new Map(bundle.files).set('access.cedar', byGuardian).set('guard.cedar', withoutRule);
    const loaded = bundleOf(files, new FileTicketSource(undefined));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const remedyOf = (requester: string) =>
      loaded.bundle.policy.assess(asks('agent/atlas', REPORTING, { requester, durationMs: HOUR }), NOW);
    expect(remedyOf('agent/atlas').remedy).toEqual({ askedBy: 'owner' });
    expect(remedyOf('person/lena').outcome).toBe('permit');
    expect(remedyOf('person/ravi').reasonCodes).toEqual(['NO_MATCHING_POLICY']);
    expect(remedyOf('person/ravi')).not.toHaveProperty('remedy');
  });

  test('it is said in words', () => {
    expect(sayRemedy({ ticket: true, atMostMs: 90 * MINUTE, askedBy: 'owner' })).toBe(
      'a ticket, and no more than 1h30m, and its owner asking for it',
    );
  });
});

describe('AUD-3 evidence from before remedies were recorded still verifies', () => {
  test('a refusal without one is compared without one, and one that is recorded has to be right', () => {
    const today = assess(asks('bot/deployer', ADMIN));
    const { remedy: _remedy, ...before } = today;
    expect(shortenedAsRecorded(before, today)).toEqual(before);
    const forged = { ...today, remedy: { atMostMs: HOUR } };
    expect(shortenedAsRecorded(forged, today)).toEqual(today);
    expect(shortenedAsRecorded({ ...before, explanation: 'x' }, today)).toEqual(before);
  });
});
