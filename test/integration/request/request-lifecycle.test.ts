import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import type { StatementDraft } from '../../../src/signing/sign';
import { Harness } from '../../support/harness';
import { ADMIN, EMERGENCY, READ, reroutedToDavid, WRITE } from '../../support/harness-asks';
import { leaveLease } from '../../support/lease-rows';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

const typesOf = async (request: Parameters<typeof harness.cast.events>[0]) =>
  (await harness.cast.events(request)).map((event) => event.type);

describe('FRI-1 low risk passes by policy alone', () => {
  test('AGE-4 nobody is asked, the reason is on record, and the role is granted and ends', async () => {
    const request = await harness.cast.ask({ ...READ, durationMs: 1_500 });
    const view = await harness.cast.view(request);
    expect([view.status, view.assessment?.outcome, view.approvals]).toEqual(['active', 'permit', []]);
    expect(view.assessment?.determiningPolicies).toEqual(['reporting-read']);
    expect(await harness.holds('atlas_agent', 'reporting_read')).toBe(true);
    await harness.cast.over(request);
    expect(await harness.holds('atlas_agent', 'reporting_read')).toBe(false);
  });
});

describe('TTA-2 nothing executes before an independent decision', () => {
  test('APB-6 one lead approves: the target has the role, and no longer at the end', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 1_500 });
    expect((await harness.cast.view(request)).awaiting).toEqual(['person/mira', 'person/tomas']);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(true);
    expect((await harness.cast.over(request)).status).toBe('closed');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });

  test('two stages need two people, in their order', async () => {
    const request = await harness.cast.ask({ ...ADMIN, requester: 'bot/deployer' });
    expect(await harness.cast.say('person/david', 'approve', request, { stage: 'dba' })).toBe('NOT_NOW');
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect(await harness.holds('deploy_bot', 'production_admin')).toBe(false);
    expect(await harness.cast.say('person/david', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    expect(await harness.holds('deploy_bot', 'production_admin')).toBe(true);
  });
});

describe('EMG-1 an emergency ends by itself and cannot be extended', () => {
  test('a second emergency for the same access is refused, and the end does not move', async () => {
    const first = await harness.cast.ask({ ...EMERGENCY, durationMs: 3_000 });
    expect(await harness.cast.say('person/sofia', 'approve', first)).toBe('accepted');
    const granted = await harness.cast.settled(first);
    expect(granted.status).toBe('active');
    const second = await harness.cast.ask({ ...EMERGENCY, durationMs: 30_000 });
    await harness.cast.say('person/sofia', 'approve', second);
    const refused = await harness.cast.settled(second);
    expect([refused.status, refused.failure?.code]).toEqual(['failed', 'EMERGENCY_ACTIVE']);
    const over = await harness.cast.over(first);
    expect(over.lease?.expiresAtMs).toBe(granted.lease?.expiresAtMs);
    expect(await harness.holds('jonas', 'production_admin')).toBe(false);
  });

  test('EMG-3 it leaves a review owed, which only an independent reviewer discharges', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, durationMs: 500 });
    await harness.cast.say('person/sofia', 'approve', request);
    expect((await harness.cast.over(request)).review.phase).toBe('due');
    const verdict = { verdict: 'justified' } as const;
    expect(await harness.cast.say('person/sofia', 'review', request, verdict)).toBe('CONFLICTED');
    expect(await harness.cast.say('person/jonas', 'review', request, verdict)).toBe('CONFLICTED');
    expect(await harness.cast.say('person/amara', 'review', request, verdict)).toBe('accepted');
    expect((await harness.cast.view(request)).status).toBe('closed');
  });

  test('a condition that policy does not name is refused before anyone is asked', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, emergencyCondition: 'in-a-hurry' });
    const view = await harness.cast.view(request);
    expect([view.status, view.assessment?.reasonCodes]).toEqual(['refused', ['EMERGENCY_NOT_NAMED']]);
  });
});

describe('AUD-2 the end of a lease is on record even if the request learned of it late', () => {
  const grantedAtMs = Date.now() - 2_000;
  const lease = { grantedAtMs, expiresAtMs: grantedAtMs + 1_000 };
  const ofJonas = { account: 'jonas', role: 'production_admin', ...lease };

  test('EMG-3 it ended before the request learned of the grant: expired, with its true times, and the review stays owed', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, durationMs: 1_000 });
    const ended = { atMs: grantedAtMs + 1_500, end: 'expired', cause: 'overdue' } as const;
    await leaveLease(harness.postgres, request, { ...ofJonas, ended });
    await harness.cast.say('person/sofia', 'approve', request);
    expect(await harness.cast.over(request)).toMatchObject({
      status: 'expired',
      lease,
      ended,
      review: { phase: 'due' },
    });
    await harness.cast.say('person/amara', 'review', request, { verdict: 'justified' });
    expect((await harness.cast.view(request)).status).toBe('closed');
  });

  test('EMG-3 it was granted while being denied: the bar ends and reports it, and the review stays owed', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, durationMs: 60_000 });
    await leaveLease(harness.postgres, request, { ...ofJonas, expiresAtMs: grantedAtMs + 60_000 });
    expect(await harness.cast.say('person/sofia', 'deny', request)).toBe('accepted');
    expect(await harness.holds('jonas', 'production_admin')).toBe(false);
    expect(await harness.cast.view(request)).toMatchObject({
      status: 'denied',
      held: { lease: { grantedAtMs } },
      review: { phase: 'due' },
    });
    await harness.cast.say('person/amara', 'review', request, { verdict: 'justified' });
    expect((await harness.cast.view(request)).review.phase).toBe('done');
  });

  test('FRI-7 it ended with the identity it rests on: revoked, at that time, for that cause', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 1_500 });
    await harness.cast.say('person/mira', 'approve', request);
    await harness.cast.settled(request);
    const connector = new PostgresqlConnector({ url: harness.postgres.url });
    await connector.revoke(request.id, 'revoked', 'standing_lost');
    await connector.close();
    const [row] = await harness.leases(request.id);
    expect((await harness.cast.over(request)).ended).toEqual({
      end: 'revoked',
      atMs: Number(row?.['ended_at_ms']),
      cause: 'standing_lost',
    });
  });
});

describe('OVR-2 OVR-3 OVR-4 only governance reroutes, on grounds, and apart from the request', () => {
  test.each([
    ['the requester', 'ci/payments', 'NOT_HUMAN'],
    ["the requester's owner", 'person/ines', 'NOT_GOVERNANCE'],
    ["the requester's manager", 'person/helen', 'NOT_GOVERNANCE'],
    ['an original approver', 'person/tomas', 'NOT_GOVERNANCE'],
    ['an operator without a role', 'person/felix', 'NOT_GOVERNANCE'],
    ['the process owner, who may only cancel', 'person/chen', 'NOT_GOVERNANCE'],
  ])('%s cannot reroute', async (_who, signer, code) => {
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say(signer, 'reroute', request, reroutedToDavid())).toBe(code);
    const view = await harness.cast.view(request);
    expect([view.revision, view.awaiting]).toEqual([0, ['person/mira', 'person/tomas']]);
  });

  test('the replacement approves; the replaced person and the rescuer are refused', async () => {
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/nadia', 'reroute', request, reroutedToDavid())).toBe('accepted');
    expect((await harness.cast.view(request)).awaiting).toEqual(['person/david', 'person/tomas']);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('person/nadia', 'approve', request)).toBe('CONFLICTED');
    expect(await harness.cast.say('person/tomas', 'approve', request, { revision: 0 })).toBe('STALE_PATH');
    expect(await harness.cast.say('person/david', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    const rerouted = (await harness.cast.events(request)).find((event) => event.type === 'rerouted');
    expect(rerouted).toMatchObject({
      reroute: { by: 'person/nadia', replace: 'person/mira', with: 'person/david', ticket: 'OPS-1' },
    });
  });

  test('OVR-7 a replacement lapses by itself, and the path returns to the original approvers', async () => {
    const request = await harness.cast.ask(WRITE);
    const { replacement, ...grounds } = reroutedToDavid();
    const short = { ...grounds, replacement: { ...replacement, untilMs: Date.now() + 1_500 } };
    expect(await harness.cast.say('person/nadia', 'reroute', request, short)).toBe('accepted');
    await harness.cast.until(request, ({ revision }) => revision === 2);
    expect((await harness.cast.view(request)).awaiting).toEqual(['person/mira', 'person/tomas']);
    expect(await harness.cast.say('person/david', 'approve', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
  });

  test('OVR-8 a reroute of privileged access waits for a second governor', async () => {
    const request = await harness.cast.ask({ ...ADMIN, requester: 'service/reconciliation' });
    const replacement = { replace: 'person/mira', with: 'person/helen', untilMs: Date.now() + 600_000 };
    const grounds: Partial<StatementDraft> = {
      ...reroutedToDavid(),
      policyBasis: 'production-admin',
      replacement,
    };
    expect(await harness.cast.say('person/nadia', 'reroute', request, grounds)).toBe('accepted');
    const { reroutes, awaiting } = await harness.cast.view(request);
    expect([reroutes[0]?.phase, awaiting]).toEqual(['proposed', ['person/mira', 'person/tomas']]);
    const endorses = reroutes[0]?.jti ?? '';
    expect(await harness.cast.say('person/nadia', 'endorse', request, { endorses })).toBe('CONFLICTED');
    expect(await harness.cast.say('person/viktor', 'endorse', request, { endorses })).toBe('accepted');
    expect((await harness.cast.view(request)).awaiting).toEqual(['person/helen', 'person/tomas']);
  });
});

describe('OVR-10 only those entitled to can end a pending request', () => {
  test('the process owner cancels with a reason; the requester cannot', async () => {
    const request = await harness.cast.ask(WRITE);
    const reason = { reasonCode: 'duplicate' };
    expect(await harness.cast.say('person/nadia', 'cancel', request, reason)).toBe('NOT_GOVERNANCE');
    expect(await harness.cast.say('ci/payments', 'cancel', request, reason)).toBe('NOT_HUMAN');
    expect(await harness.cast.say('person/chen', 'cancel', request, reason)).toBe('accepted');
    expect((await harness.cast.over(request)).status).toBe('cancelled');
  });

  test('the requester withdraws their own request, which bars it for good', async () => {
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/ines', 'withdraw', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('ci/payments', 'withdraw', request)).toBe('accepted');
    expect((await harness.cast.over(request)).status).toBe('withdrawn');
    await harness.cast.until(request, () => true);
    expect(await typesOf(request)).toContain('withdrawn');
  });

  test('one denial ends it, and nobody outvotes that', async () => {
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/tomas', 'deny', request)).toBe('accepted');
    expect((await harness.cast.over(request)).status).toBe('denied');
  });
});

describe('revoke', () => {
  test('takes access away at once; a stranger cannot', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'person/ines' });
    await harness.cast.say('person/mira', 'approve', request);
    await harness.cast.settled(request);
    expect(await harness.holds('ines', 'production_write')).toBe(true);
    expect(await harness.cast.say('person/felix', 'revoke', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('person/greta', 'revoke', request)).toBe('accepted');
    expect((await harness.cast.over(request)).ending).toBe('revoked');
    expect(await harness.holds('ines', 'production_write')).toBe(false);
  });
});
