import { requestDigest } from '../../../src/domain/digest';
import { LIMITS } from '../../../src/domain/limits';
import type { AccessRequest } from '../../../src/domain/request';
import type { StatementDraft } from '../../../src/signing/sign';
import { signStatement } from '../../../src/signing/sign';
import { Harness } from '../../support/harness';
import { ADMIN, reroutedToDavid, WRITE } from '../../support/harness-asks';
import type { Cast } from '../../support/harness-cast';
import { strangersKey } from '../../support/keyring';
import { SoftwarePasskey } from '../../support/signing/passkey';

let harness: Harness;
let cast: Cast;
beforeAll(async () => {
  harness = await Harness.start();
  cast = harness.cast;
}, 120_000);
afterAll(() => harness?.stop());

const grounds = (about: Partial<StatementDraft> = {}): Partial<StatementDraft> => ({
  ...reroutedToDavid(),
  ...about,
});

/** Codes of the refusals that are on record. */
async function recorded(request: AccessRequest): Promise<readonly string[]> {
  const events = await cast.events(request);
  return events.flatMap((event) => (event.type === 'statement_refused' ? [event.refusal.code] : []));
}

/** Sends the statement, and checks that the refusal is also on record (AUD-2). */
async function refusedAs(code: string, ...about: Parameters<Cast['say']>): Promise<void> {
  expect(await cast.say(...about)).toBe(code);
  expect(await recorded(about[2])).toContain(code);
}

describe('AUD-2 every refusal of a statement reaches its sender with a code, and the record', () => {
  let request: AccessRequest;
  beforeAll(async () => {
    request = await cast.ask(WRITE);
  });

  test('NOT_HUMAN: TTA-7 a pipeline approves', () =>
    refusedAs('NOT_HUMAN', 'ci/payments', 'approve', request));

  test('CONFLICTED: OVR-3 the owner of the identity approves', () =>
    refusedAs('CONFLICTED', 'person/ines', 'approve', request));

  test('NOT_ELIGIBLE: somebody else approves', () =>
    refusedAs('NOT_ELIGIBLE', 'person/lena', 'approve', request));

  test('NOT_GOVERNANCE: OVR-2 an approver reroutes', () =>
    refusedAs('NOT_GOVERNANCE', 'person/tomas', 'reroute', request, grounds()));

  test('NOT_GOVERNANCE: OVR-10 the requester, or a governor without that role, cancels', async () => {
    await refusedAs('NOT_GOVERNANCE', 'person/nadia', 'cancel', request, { reasonCode: 'duplicate' });
  });

  test('MISSING_REASON: OVR-4, WEB-7 a reroute without a listed reason, a cancellation or a denial without any', async () => {
    const { reasonCode: _none, ...without } = grounds();
    await refusedAs('MISSING_REASON', 'person/nadia', 'reroute', request, without);
    await refusedAs('MISSING_REASON', 'person/nadia', 'reroute', request, grounds({ reasonCode: 'because' }));
    await refusedAs('MISSING_REASON', 'person/chen', 'cancel', request);
    expect(await cast.say('person/mira', 'deny', request, {}, { unreasoned: true })).toBe('MISSING_REASON');
  });

  test('MISSING_TICKET: OVR-4 a ticket that does not exist', () =>
    refusedAs('MISSING_TICKET', 'person/nadia', 'reroute', request, grounds({ ticket: 'OPS-999' })));

  test('MISSING_POLICY_BASIS: OVR-4 a policy that does not exist', () =>
    refusedAs(
      'MISSING_POLICY_BASIS',
      'person/nadia',
      'reroute',
      request,
      grounds({ policyBasis: 'goodwill' }),
    ));

  test.each([
    'person/ines',
    'person/nadia',
    'person/ravi',
    'person/greta',
    'ci/payments',
    'person/nobody',
  ])('WOULD_WEAKEN: OVR-6 a reroute to %s', (substitute) => {
    const replacement = { replace: 'person/mira', with: substitute, untilMs: Date.now() + 600_000 };
    return refusedAs('WOULD_WEAKEN', 'person/nadia', 'reroute', request, grounds({ replacement }));
  });

  test('DIGEST_MISMATCH: TTA-3 an approval of another version of the request', () =>
    refusedAs('DIGEST_MISMATCH', 'person/mira', 'approve', request, {
      digest: requestDigest({ ...request, durationMs: 1 }),
    }));

  test('STALE_PATH: signed for a path that has changed since', () =>
    refusedAs('STALE_PATH', 'person/mira', 'approve', request, { revision: 7 }));

  test('EXPIRED_STATEMENT: too old, and dated in the future', async () => {
    const old = { nowMs: Date.now() - 7_200_000, lifeMs: 3_600_000 };
    await refusedAs('EXPIRED_STATEMENT', 'person/mira', 'approve', request, {}, old);
    const early = { nowMs: Date.now() + 2 * LIMITS.clockSkewMs, lifeMs: 3_600_000 };
    await refusedAs('EXPIRED_STATEMENT', 'person/mira', 'approve', request, {}, early);
  });

  test('MALFORMED: a statement that would live for two days; one verb sent as another', async () => {
    const long = { lifeMs: 2 * LIMITS.statementLifeMs };
    await refusedAs('MALFORMED', 'person/mira', 'approve', request, {}, long);
    await harness.client.leaveStatement(
      request.id,
      'approve',
      await cast.sign('person/mira', 'deny', request),
    );
    const view = await cast.until(
      request,
      ({ refusals }) => refusals.at(-1)?.refusal.detail.includes('came as') ?? false,
    );
    expect(view.refusals.at(-1)?.refusal.code).toBe('MALFORMED');
  });

  test('TOO_LARGE: a statement past its size', async () => {
    const jws = `a.${'b'.repeat(LIMITS.statementBytes)}.c`;
    expect(await cast.carry(request, { format: 'jws', jws })).toBe('TOO_LARGE');
  });

  test('UNKNOWN_KEY and BAD_SIGNATURE: TTA-5 a stranger signs as an approver', async () => {
    const key = await strangersKey();
    const draft = {
      verb: 'approve' as const,
      stage: 'owner',
      request: request.id,
      digest: requestDigest(request),
      revision: 0,
    };
    const times = { nowMs: Date.now(), lifeMs: 60_000 };
    expect(await cast.carry(request, await signStatement(draft, 'person/mira', key, times))).toBe(
      'UNKNOWN_KEY',
    );
    const { keyId } = await cast.key('person/mira');
    const forged = await signStatement(draft, 'person/mira', { ...key, keyId }, times);
    expect(await cast.carry(request, forged)).toBe('BAD_SIGNATURE');
  });

  test('NOT_NOW: nothing to revoke, no reroute to endorse', async () => {
    await refusedAs('NOT_NOW', 'person/greta', 'revoke', request);
    await refusedAs('NOT_NOW', 'person/viktor', 'endorse', request, { endorses: 'none' });
  });

  test('after all that the request still waits, and one approval grants it', async () => {
    expect(await cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect((await cast.settled(request)).status).toBe('active');
  });
});

describe('refusals that need a situation of their own', () => {
  test('REPLAYED: the same statement twice', async () => {
    const request = await cast.ask({ ...ADMIN, requester: 'bot/deployer' });
    const approval = await cast.sign('person/mira', 'approve', request);
    expect(await cast.carry(request, approval)).toBe('accepted');
    expect(await cast.carry(request, approval)).toBe('REPLAYED');
    expect(await recorded(request)).toEqual(['REPLAYED']);
  });

  test('WEAK_ASSURANCE: a stage that asks for a stronger key', async () => {
    const tomas = ['people', 'person/tomas', 'keys', 1];
    const stronger = harness.bundle.set('directory.yaml', tomas, new SoftwarePasskey().registration);
    const undo = harness.bundle.change('paths.yaml', (text) =>
      text
        .replace('alternatives: [production-write-by-dba]', 'alternatives: []')
        .replace('assurance: key', 'assurance: phishing-resistant'),
    );
    try {
      const request = await cast.ask(WRITE);
      await refusedAs('WEAK_ASSURANCE', 'person/mira', 'approve', request);
    } finally {
      undo();
      stronger();
    }
  });

  test('DISABLED_IDENTITY: an approver who was disabled after the request was assessed', async () => {
    const request = await cast.ask(WRITE);
    const undo = harness.bundle.change('directory.yaml', (text) =>
      text
        .replace('person/mira: { name: Mira', 'person/mira: { enabled: false, name: Mira')
        .replace('  person/mira:\n', '  person/mira:\n    enabled: false\n'),
    );
    try {
      await refusedAs('DISABLED_IDENTITY', 'person/mira', 'approve', request);
    } finally {
      undo();
    }
  });

  test('RATE_LIMITED: more reroutes than a request can take', async () => {
    const substitutes = ['david', 'aiko', 'ravi', 'lena', 'sofia', 'marcus', 'amara', 'felix', 'oskar'];
    const undo = harness.bundle.change('directory.yaml', (text) =>
      text.replace(/(dba:.*members: \[).*\]/, `$1${substitutes.map((name) => `person/${name}`).join(', ')}]`),
    );
    try {
      const request = await cast.ask(WRITE);
      const answers: string[] = [];
      for (const [index, name] of substitutes.entries()) {
        const replace = index === 0 ? 'person/mira' : `person/${substitutes[index - 1]}`;
        const replacement = { replace, with: `person/${name}`, untilMs: Date.now() + 600_000 };
        answers.push(await cast.say('person/nadia', 'reroute', request, grounds({ replacement })));
      }
      expect(answers).toEqual([...Array(LIMITS.reroutes).fill('accepted'), 'RATE_LIMITED']);
    } finally {
      undo();
    }
  });
});

describe('refusals of the act on the target', () => {
  test('TARGET_REFUSED: a role that the target does not have', async () => {
    const undo = harness.bundle.change('catalog.yaml', (text) =>
      text.replace('role: production_write', 'role: production_writers'),
    );
    try {
      const request = await cast.ask(WRITE);
      await cast.say('person/mira', 'approve', request);
      const view = await cast.settled(request);
      expect([view.status, view.failure?.code]).toEqual(['failed', 'TARGET_REFUSED']);
    } finally {
      undo();
    }
  });

  test('POLICY_CHANGED: TTA-6 policy forbids it between the stages', async () => {
    const request = await cast.ask({ ...ADMIN, requester: 'bot/deployer' });
    await cast.say('person/mira', 'approve', request);
    const undo = harness.bundle.change(
      'guard.cedar',
      (text) => `${text}\n@id("freeze")\nforbid (principal, action == Action::"admin", resource);\n`,
    );
    try {
      expect(await cast.say('person/david', 'approve', request)).toBe('accepted');
      const view = await cast.settled(request);
      expect([view.status, view.failure?.code]).toEqual(['failed', 'POLICY_CHANGED']);
      expect(await harness.holds('deploy_bot', 'production_admin')).toBe(false);
    } finally {
      undo();
    }
  });

  test('NOT_ELIGIBLE: TTA-6 an approver of the first stage leaves the team before the second', async () => {
    const request = await cast.ask({ ...ADMIN, requester: 'bot/deployer' });
    await cast.say('person/mira', 'approve', request);
    const undo = harness.bundle.change('directory.yaml', (text) =>
      text.replace(/(payments-leads:.*members: \[ ?)person\/mira, /, '$1'),
    );
    try {
      expect(await cast.say('person/david', 'approve', request)).toBe('accepted');
      const view = await cast.settled(request);
      expect([view.status, view.failure?.code]).toEqual(['failed', 'NOT_ELIGIBLE']);
      expect(await harness.holds('deploy_bot', 'production_admin')).toBe(false);
    } finally {
      undo();
    }
  });
});
