import { evidenceText } from '../../../src/audit/evidence/file';
import { Replayer } from '../../../src/audit/replay';
import { verifyEvidence } from '../../../src/audit/verify/verify';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { evidenceOf, findingsIn } from '../../support/audit';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { EMERGENCY, ROTATE, WRITE } from '../../support/harness-asks';
import type { Ask } from '../../support/harness-cast';
import { eventually, eventuallyTrue } from '../../support/harness-wait';

let harness: Harness;
const replayer = new Replayer(builtWorkflowBundle());
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(async () => {
  await replayer.close();
  await harness?.stop();
});

/** Submits a request for access that begins later, and has Mira approve it for a day. */
async function approvedForLater(ask: Ask, afterMs: number, signing = { lifeMs: 86_400_000 }) {
  const request = await harness.cast.ask({ ...ask, notBeforeMs: Date.now() + afterMs });
  const said = await harness.cast.say('person/mira', 'approve', request, {}, signing);
  return { request, said };
}

const startOf = ({ notBeforeMs }: AccessRequest): number => notBeforeMs ?? Number.NaN;

async function findingsAbout(request: AccessRequest): Promise<readonly string[]> {
  const evidence = await evidenceOf(harness, request.id, replayer);
  return findingsIn(await verifyEvidence(evidence, { text: evidenceText(evidence), replayer }));
}

describe('TTA-6 access that is asked for later is approved now and given then', () => {
  test('not before, for as long as was asked, also where another run goes on while it waits; and its evidence verifies', async () => {
    const { request, said } = await approvedForLater({ ...WRITE, durationMs: 2_000 }, 12_000);
    expect(said).toBe('accepted');
    const waiting = await harness.cast.view(request);
    expect(waiting).toMatchObject({
      status: 'approved',
      awaiting: [],
      nextDeadline: { atMs: startOf(request), summary: 'access begins' },
    });
    expect(await harness.client.waitForDecision(request.id, { timeoutMs: 1_000 })).toMatchObject({
      status: 'approved',
    });
    expect(await harness.leases(request.id)).toEqual([]);

    const handle = harness.temporal.workflow.getHandle(workflowIdOf(request.id));
    const { runId } = await handle.describe();
    const fill = 'x'.repeat(100 * 1024);
    await Promise.all(Array.from({ length: 50 }, (_, count) => handle.signal('approve', { count, fill })));
    await eventuallyTrue('a new run goes on', async () => (await handle.describe()).runId !== runId);
    expect((await harness.cast.until(request, () => true)).nextDeadline?.atMs).toBe(startOf(request));

    const { lease } = await harness.cast.until(request, (view) => view.lease !== undefined);
    expect(lease?.grantedAtMs).toBeGreaterThanOrEqual(startOf(request));
    expect(lease?.grantedAtMs).toBeLessThan(startOf(request) + 5_000);
    expect((lease?.expiresAtMs ?? 0) - (lease?.grantedAtMs ?? 0)).toBe(2_000);
    await harness.cast.over(request);
    expect(await findingsAbout(request)).toEqual([]);
  }, 60_000);

  test('judged again then: a key that was revoked while it waited gives nothing', async () => {
    const { request } = await approvedForLater({ ...WRITE, requester: 'bot/deployer' }, 15_000);
    expect((await harness.cast.view(request)).status).toBe('approved');
    const restore = harness.bundle.revokeKeyOf('person/mira');
    try {
      const { failure } = await harness.cast.until(request, ({ status }) => status === 'failed');
      expect(failure?.code).toBe('UNKNOWN_KEY');
      expect(await harness.leases(request.id)).toMatchObject([{ end_reason: 'barred' }]);
    } finally {
      restore();
    }
  }, 60_000);

  test.each([
    ['denied', 'person/mira', 'deny'],
    ['withdrawn', 'service/reconciliation', 'withdraw'],
  ] as const)(
    '%s while it waits, it never begins',
    async (status, who, verb) => {
      const asked = { ...WRITE, requester: 'service/reconciliation' };
      const { request } = await approvedForLater(asked, 10_000);
      expect(await harness.cast.say(who, verb, request)).toBe('accepted');
      await eventually('its start is over', async () => Date.now() > startOf(request) + 500 || undefined);
      expect((await harness.cast.view(request)).status).toBe(status);
      expect(await harness.leases(request.id)).toMatchObject([{ end_reason: 'barred', granted_at_ms: null }]);
      expect(await findingsAbout(request)).toEqual([]);
    },
    60_000,
  );

  test('an exact action too', async () => {
    const { request } = await approvedForLater(ROTATE, 10_000);
    expect((await harness.cast.view(request)).status).toBe('approved');
    const { lease } = await harness.cast.settled(request);
    expect(lease?.grantedAtMs).toBeGreaterThanOrEqual(startOf(request));
  }, 60_000);

  test('an approval that would not count then is refused, and so are an emergency and a start that is too far away', async () => {
    const { request, said } = await approvedForLater(WRITE, 3_600_000, { lifeMs: 3_599_000 });
    expect(said).toBe('EXPIRED_STATEMENT');
    expect((await harness.cast.view(request)).status).toBe('awaiting_approval');
    for (const ask of [
      { ...EMERGENCY, notBeforeMs: Date.now() + 60_000 },
      { ...WRITE, notBeforeMs: Date.now() + 25 * 3_600_000 },
      { ...WRITE, notBeforeMs: Date.now() - 1_000 },
    ]) {
      const view = await harness.cast.view(await harness.cast.ask(ask));
      expect([view.status, view.assessment?.reasonCodes]).toEqual(['refused', ['START_NOT_POSSIBLE']]);
    }
  });
});

describe('WEB-4, AUD-3 an approval for less time than was asked', () => {
  test('counts in the lease on the target, in the view and in the evidence, which verifies', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer', durationMs: 8_000 });
    expect(await harness.cast.say('person/mira', 'approve', request, { durationMs: 9_000 })).toBe(
      'MALFORMED',
    );
    expect(await harness.cast.say('person/mira', 'approve', request, { durationMs: 1_500 })).toBe('accepted');
    const { lease, decisions } = await harness.cast.until(request, (view) => view.lease !== undefined);
    expect((lease?.expiresAtMs ?? 0) - (lease?.grantedAtMs ?? 0)).toBe(1_500);
    expect(decisions).toEqual([expect.objectContaining({ by: 'person/mira', durationMs: 1_500 })]);
    const [row] = await harness.leases(request.id);
    expect(Number(row?.['expires_at_ms']) - Number(row?.['granted_at_ms'])).toBe(1_500);
    await harness.cast.over(request);
    const evidence = await evidenceOf(harness, request.id, replayer);
    expect(JSON.stringify(evidence)).toContain('"durationMs":1500');
    expect(findingsIn(await verifyEvidence(evidence, { replayer }))).toEqual([]);
  }, 60_000);
});

describe('TTA-3, AUD-3 a path that says for how long its approvals count', () => {
  test('takes an approval of three days, and the evidence verifies; a path that says nothing takes a day', async () => {
    const restore = harness.bundle.set(
      'paths.yaml',
      ['paths', 'production-write', 'approvalsCountFor'],
      '3d',
    );
    const threeDays = { lifeMs: 3 * 86_400_000 };
    try {
      const request = await harness.cast.ask({ ...WRITE, durationMs: 500 });
      expect(await harness.cast.say('person/mira', 'approve', request, {}, threeDays)).toBe('accepted');
      const [approval] = (await harness.cast.view(request)).approvals;
      expect(approval?.expiresAtMs).toBeGreaterThan(Date.now() + 2 * 86_400_000);
      await harness.cast.over(request);
      expect(await findingsAbout(request)).toEqual([]);
    } finally {
      restore();
    }
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/mira', 'approve', request, {}, threeDays)).toBe('MALFORMED');
  }, 60_000);
});
