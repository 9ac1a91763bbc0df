import { signDenialReport } from '../../../src/client';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { FileTicketSource, loadBundle } from '../../../src/policy';
import { watchStanding } from '../../../src/reconciler';
import { Harness } from '../../support/harness';
import { EMERGENCY, reroutedToDavid, WRITE } from '../../support/harness-asks';
import { SoftwarePasskey } from '../../support/signing/passkey';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ remembers: true });
}, 120_000);
afterAll(() => harness?.stop());
beforeEach(async () => {
  await harness.ledger.openGrants(0);
  await harness.postgres.query('TRUNCATE countersign.ask, countersign.grant_record, countersign.denial');
});

const verdict = { verdict: 'justified' } as const;
const stagesOf = (view: Awaited<ReturnType<typeof harness.cast.view>>) =>
  view.assessment?.path?.stages.map((stage) => `${stage.name} ${stage.quorum}`);

describe('APB-4 asking again, on real servers', () => {
  test('after a denial it takes both leads, and the friendlier one alone is not enough', async () => {
    const first = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/mira', 'deny', first)).toBe('accepted');
    await harness.cast.over(first);
    const again = await harness.cast.ask(WRITE);
    const view = await harness.cast.view(again);
    expect(stagesOf(view)).toEqual(['owner 2']);
    expect(view.assessment?.precedents).toEqual([expect.objectContaining({ kind: 'denied', id: first.id })]);
    expect(await harness.cast.say('person/tomas', 'approve', again)).toBe('accepted');
    expect((await harness.cast.view(again)).status).toBe('awaiting_approval');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });

  test('TTA-5 terminating a workflow erases nothing, because the record is kept elsewhere', async () => {
    const first = await harness.cast.ask(WRITE);
    await harness.temporal.workflow.getHandle(`access-request/${first.id}`).terminate('hides what was asked');
    const view = await harness.cast.view(await harness.cast.ask(WRITE));
    expect(view.assessment?.precedents).toEqual([expect.objectContaining({ kind: 'open', id: first.id })]);
  });

  test('TTA-6 a denial while an identical request was waiting counts when that one is carried out', async () => {
    const first = await harness.cast.ask(WRITE);
    const twin = await harness.cast.ask(WRITE);
    await harness.cast.say('person/mira', 'deny', first);
    await harness.cast.over(first);
    expect(await harness.cast.say('person/tomas', 'approve', twin)).toBe('accepted');
    expect((await harness.cast.settled(twin)).status).toBe('failed');
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });

  test('the fourth request is refused before anyone is asked', async () => {
    for (let times = 0; times < 3; times += 1) {
      const request = await harness.cast.ask(WRITE);
      await harness.cast.say('ci/payments', 'withdraw', request);
      await harness.cast.over(request);
    }
    const view = await harness.cast.view(await harness.cast.ask(WRITE));
    expect([view.status, view.assessment?.reasonCodes]).toEqual(['refused', ['ASKED_TOO_OFTEN']]);
  });
});

describe('APB-3 what an enforcement point denied', () => {
  const denial = { sub: 'ci/payments', control: 'secret-scanning', reasonCode: 'SECRET_FOUND' };

  test('is recorded because of its signature, linked, and shown', async () => {
    const key = await harness.cast.key('service/tool-gateway');
    const report = await signDenialReport(denial, 'service/tool-gateway', key, Date.now());
    const reported = await harness.client.reportDenial(report);
    expect(reported).toMatchObject({ ok: true });
    expect(await harness.client.reportDenial(report)).toEqual(reported);
    const view = await harness.cast.view(await harness.cast.ask(WRITE));
    expect(stagesOf(view)).toEqual(['owner 1', 'security 1']);
    expect(view.assessment?.precedents).toEqual([
      expect.objectContaining({ kind: 'reported-denial', by: 'service/tool-gateway' }),
    ]);
  });

  test.each([
    ['someone who is none', 'agent/atlas', 'agent/atlas', 'NOT_ELIGIBLE'],
    ['a borrowed name', 'agent/atlas', 'service/tool-gateway', 'BAD_SIGNATURE'],
  ])('from %s counts for nothing', async (_, signer, name, code) => {
    const report = await signDenialReport(denial, name, await harness.cast.key(signer), Date.now());
    expect(await harness.client.reportDenial(report)).toMatchObject({ ok: false, refusal: { code } });
    const view = await harness.cast.view(await harness.cast.ask(WRITE));
    expect(stagesOf(view)).toEqual(['owner 1']);
  });

  test('a statement does not pass for a report, nor does a report from the future', async () => {
    const request = await harness.cast.ask(WRITE);
    const statement = await harness.cast.sign('person/mira', 'deny', request);
    expect(await harness.client.reportDenial(statement)).toMatchObject({ refusal: { code: 'MALFORMED' } });
    const key = await harness.cast.key('service/tool-gateway');
    const early = await signDenialReport(denial, 'service/tool-gateway', key, Date.now() + 3_600_000);
    expect(await harness.client.reportDenial(early)).toMatchObject({
      refusal: { code: 'EXPIRED_STATEMENT' },
    });
  });
});

describe('EMG-3, FRI-6 an emergency leaves a review owed', () => {
  const emergency = { ...EMERGENCY, durationMs: 300 };

  async function anEmergency() {
    const request = await harness.cast.ask(emergency);
    expect(await harness.cast.say('person/sofia', 'approve', request)).toBe('accepted');
    await harness.cast.over(request);
    return request;
  }
  const overdue = () =>
    harness.postgres.query(
      'UPDATE countersign.grant_record SET review_due_at_ms = 1 WHERE reviewed_at_ms IS NULL',
    );

  test('while it is overdue nobody involved gets another emergency; the verdict discharges it', async () => {
    const request = await anEmergency();
    await overdue();
    const barred = await harness.cast.view(await harness.cast.ask(emergency));
    expect([barred.status, barred.assessment?.reasonCodes]).toEqual(['refused', ['REVIEW_OVERDUE']]);
    for (const who of ['person/sofia', 'person/jonas', 'person/nadia'])
      expect(await harness.cast.say(who, 'review', request, verdict)).not.toBe('accepted');
    const still = await harness.cast.view(await harness.cast.ask(emergency));
    expect(still.assessment?.reasonCodes).toEqual(['REVIEW_OVERDUE']);
    expect(await harness.cast.say('person/amara', 'review', request, verdict)).toBe('accepted');
    expect((await harness.cast.view(await harness.cast.ask(emergency))).status).toBe('awaiting_approval');
  });

  test('only the reviewers named when access was given discharge it, in the request and in the ledger alike', async () => {
    const request = await harness.cast.ask(emergency);
    const reviewers = ['groups', 'security-reviewers', 'members'];
    const restore = harness.bundle.set('directory.yaml', reviewers, ['person/david']);
    try {
      expect(await harness.cast.say('person/sofia', 'approve', request)).toBe('accepted');
      await harness.cast.over(request);
      expect(await harness.cast.say('person/amara', 'review', request, verdict)).toBe('NOT_ELIGIBLE');
      expect(await harness.cast.say('person/david', 'review', request, verdict)).toBe('accepted');
      await overdue();
      expect((await harness.cast.view(await harness.cast.ask(emergency))).status).toBe('awaiting_approval');
    } finally {
      restore();
    }
  });

  test('TTA-5 terminating the workflow does not discharge it', async () => {
    const byRavi = { ...emergency, requester: 'person/ravi', durationMs: 60_000 };
    const request = await harness.cast.ask(byRavi);
    await harness.cast.say('person/sofia', 'approve', request);
    expect((await harness.cast.settled(request)).status).toBe('active');
    await harness.temporal.workflow.getHandle(`access-request/${request.id}`).terminate('forgets the debt');
    await overdue();
    const barred = await harness.cast.view(await harness.cast.ask(byRavi));
    expect(barred.assessment?.reasonCodes).toEqual(['REVIEW_OVERDUE']);
  });

  test('after three in a week only the ordinary path is left', async () => {
    for (let times = 0; times < 3; times += 1) {
      const request = await anEmergency();
      await harness.cast.say('person/amara', 'review', request, verdict);
    }
    const view = await harness.cast.view(await harness.cast.ask(emergency));
    expect([view.status, view.assessment?.reasonCodes]).toEqual(['refused', ['TOO_MANY_EMERGENCIES']]);
  });

  test('a verdict of unjustified leaves only the ordinary path at once', async () => {
    const request = await anEmergency();
    await harness.cast.say('person/amara', 'review', request, { verdict: 'unjustified' });
    const view = await harness.cast.view(await harness.cast.ask(emergency));
    expect([view.status, view.assessment?.determiningPolicies]).toEqual([
      'refused',
      ['emergencies-are-for-restoration'],
    ]);
  });

  test('a grant that the target refused leaves no review owed', async () => {
    const first = await harness.cast.ask({ ...emergency, durationMs: 60_000 });
    await harness.cast.say('person/sofia', 'approve', first);
    await harness.cast.settled(first);
    const second = await harness.cast.ask({ ...emergency, durationMs: 60_000 });
    await harness.cast.say('person/sofia', 'approve', second);
    expect((await harness.cast.settled(second)).failure?.code).toBe('EMERGENCY_ACTIVE');
    const rows = await harness.postgres.query('SELECT request_id FROM countersign.grant_record');
    expect(rows.map((row) => row['request_id'])).toEqual([first.id]);
    await harness.cast.say('person/jonas', 'revoke', first);
    await harness.cast.over(first);
  });
});

describe('FRI-7 no grant outlives the people and the identity it rests on', () => {
  async function watched(change: () => () => void): Promise<boolean> {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer' });
    await harness.cast.say('person/mira', 'approve', request);
    expect((await harness.cast.settled(request)).status).toBe('active');
    const connector = new PostgresqlConnector({ url: harness.postgres.url });
    const watch = watchStanding({
      ledger: harness.ledger,
      connectors: new Map([['warehouse', connector]]),
      directory: async () => {
        const loaded = await loadBundle(harness.bundle.dir, new FileTicketSource(undefined));
        if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
        return loaded.bundle.directory;
      },
      intervalMs: 3_600_000,
      logger: SILENT_LOGGER,
    });
    await watch.pass();
    expect(await harness.holds('deploy_bot', 'production_write')).toBe(true);
    const undo = change();
    await watch.pass();
    undo();
    await watch.stop();
    await connector.close();
    const held = await harness.holds('deploy_bot', 'production_write');
    if (held) await harness.cast.say('bot/deployer', 'revoke', request);
    return !held;
  }
  const set = (...where: (string | number)[]) => ({
    to: (value: unknown) => () => harness.bundle.set('directory.yaml', where, value),
  });

  test.each([
    ['the identity is disabled', set('identities', 'bot/deployer', 'enabled').to(false)],
    ['its end date has come', set('identities', 'bot/deployer', 'endDate').to('2026-01-01')],
    ['its sponsor has left', set('people', 'person/helen', 'enabled').to(false)],
    ['its owner has left', set('people', 'person/jonas', 'endDate').to('2026-01-01')],
  ])('%s: an open grant ends then', async (_, change) => {
    expect(await watched(change)).toBe(true);
  });

  test('someone else leaves: it continues', async () => {
    expect(await watched(set('people', 'person/felix', 'enabled').to(false))).toBe(false);
  });

  test('a renewal is a new request: it overlaps, and moves no end time', async () => {
    const ask = { ...WRITE, durationMs: 3_000 };
    const first = await harness.cast.ask(ask);
    await harness.cast.say('person/mira', 'approve', first);
    const granted = await harness.cast.settled(first);
    const renewal = await harness.cast.ask({ ...ask, durationMs: 10_000 });
    expect((await harness.cast.view(renewal)).assessment?.precedents).toBeUndefined();
    await harness.cast.say('person/mira', 'approve', renewal);
    expect((await harness.cast.settled(renewal)).status).toBe('active');
    expect((await harness.cast.over(first)).lease).toEqual(granted.lease);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(true);
    await harness.cast.over(renewal);
    expect(await harness.holds('payments_ci', 'production_write')).toBe(false);
  });
});

describe('OVR-2, OVR-5, OVR-9 reroutes in full, on real servers', () => {
  const { replacement: _none, ...grounds } = reroutedToDavid();
  const ask = { ...WRITE, requester: 'service/reconciliation' };

  test('a switch to another path that policy offers is shown in the UI, and ends in a lease', async () => {
    const request = await harness.cast.ask(ask);
    const switchTo = { path: 'production-write-by-dba', untilMs: Date.now() + 600_000 };
    const elsewhere = { switchTo: { ...switchTo, path: 'incident' } };
    expect(await harness.cast.say('person/nadia', 'reroute', request, { ...grounds, ...elsewhere })).toBe(
      'WOULD_WEAKEN',
    );
    expect(await harness.cast.say('person/nadia', 'reroute', request, { ...grounds, switchTo })).toBe(
      'accepted',
    );
    const view = await harness.cast.view(request);
    expect([view.openStage, view.awaiting]).toEqual(['administrators', ['person/aiko', 'person/david']]);
    const handle = harness.temporal.workflow.getHandle(`access-request/${request.id}`);
    const metadata = await handle.query<{ currentDetails?: string }, []>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toContain(
      'switch in_force: path production-write → production-write-by-dba',
    );
    expect(metadata.currentDetails).toContain(`policy ${view.assessment?.policyDigest}`);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('person/david', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    await harness.cast.say('service/reconciliation', 'revoke', request);
    await harness.cast.over(request);
  });

  test('an emergency reroute reaches further, and its review is owed by someone else', async () => {
    const request = await harness.cast.ask({ ...ask, durationMs: 300 });
    const replacement = { replace: 'person/mira', with: 'person/sofia', untilMs: Date.now() + 600_000 };
    const say = (condition: object) =>
      harness.cast.say('person/nadia', 'reroute', request, { ...grounds, ...condition, replacement });
    expect(await say({})).toBe('WOULD_WEAKEN');
    expect(await say({ emergencyCondition: 'in-a-hurry' })).toBe('MISSING_POLICY_BASIS');
    expect(await say({ emergencyCondition: 'nobody-answers' })).toBe('accepted');
    expect(await harness.cast.say('person/sofia', 'approve', request)).toBe('accepted');
    expect((await harness.cast.over(request)).review.phase).toBe('due');
    const owed = await harness.postgres.query('SELECT review_due_at_ms FROM countersign.grant_record');
    expect(Number(owed[0]?.['review_due_at_ms'])).toBeGreaterThan(Date.now());
    expect(await harness.cast.say('person/nadia', 'review', request, verdict)).toBe('CONFLICTED');
    expect(await harness.cast.say('person/amara', 'review', request, verdict)).toBe('accepted');
    expect((await harness.cast.view(request)).status).toBe('closed');
  });

  test('a delegate decides for someone who is away, and no longer once they are back', async () => {
    const date = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString().slice(0, 16).concat('Z');
    const away = { from: 'person/mira', to: 'person/lena', since: date(-3_600_000), until: date(3_600_000) };
    const undo = harness.bundle.set('directory.yaml', ['delegations'], [away]);
    const first = await harness.cast.ask(ask);
    expect((await harness.cast.view(first)).awaiting).toEqual(['person/mira', 'person/lena', 'person/tomas']);
    expect(await harness.cast.say('person/lena', 'approve', first)).toBe('accepted');
    expect((await harness.cast.settled(first)).status).toBe('active');
    await harness.cast.say('service/reconciliation', 'revoke', first);
    await harness.cast.over(first);
    const second = await harness.cast.ask(ask);
    undo();
    expect(await harness.cast.say('person/lena', 'approve', second)).toBe('NOT_ELIGIBLE');
  });
});

describe('TTA-4 a second control over scope and intent, on real servers', () => {
  const ask = { ...WRITE, requester: 'service/reconciliation' };

  test('the sponsor confirms over another channel before the leads are asked', async () => {
    const undo = [
      harness.bundle.replace(
        'access.cedar',
        '@id("production-write")',
        '@id("production-write")\n@confirm("sponsor before approval")',
      ),
      harness.bundle.set('directory.yaml', ['people', 'person/oskar', 'keys', 0, 'channel'], 'phone'),
    ];
    const request = await harness.cast.ask(ask);
    expect((await harness.cast.view(request)).awaiting).toEqual(['person/oskar']);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('NOT_NOW');
    expect(await harness.cast.say('person/helen', 'confirm', request)).toBe('NOT_ELIGIBLE');
    expect(await harness.cast.say('person/oskar', 'confirm', request)).toBe('accepted');
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    await harness.cast.say('service/reconciliation', 'revoke', request);
    await harness.cast.over(request);
    for (const one of undo.toReversed()) one();
  });

  test('WEB-2: a stage that asks for it takes no signature that could be phished, and takes a passkey', async () => {
    const tomas = ['people', 'person/tomas', 'keys', 1];
    const other = harness.bundle.set('directory.yaml', tomas, new SoftwarePasskey().registration);
    const undo = harness.bundle.replace(
      'paths.yaml',
      'alternatives: [production-write-by-dba]',
      'alternatives: []',
    );
    const strong = harness.bundle.replace('paths.yaml', 'assurance: key', 'assurance: phishing-resistant');
    const request = await harness.cast.ask(ask);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('WEAK_ASSURANCE');
    const passkey = new SoftwarePasskey();
    const byPasskey = () => harness.cast.signByPasskey(passkey, 'person/mira', 'approve', request);
    expect(await harness.cast.carry(request, await byPasskey())).toBe('UNKNOWN_KEY');
    const keys = ['people', 'person/mira', 'keys', 1];
    const better = harness.bundle.set('directory.yaml', keys, passkey.registration);
    expect(await harness.cast.carry(request, await byPasskey())).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    for (const one of [better, strong, undo, other]) one();
  });
});
