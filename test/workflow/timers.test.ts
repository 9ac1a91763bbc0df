import { TimeStage } from '../support/time-stage';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

let stage: TimeStage;
beforeAll(async () => {
  stage = await TimeStage.open();
}, 180_000);
afterAll(() => stage?.close(), 60_000);

const reroute = (untilMs: number) => ({
  stage: 'owner',
  replacement: { replace: 'person/mira', with: 'person/david', untilMs },
  reasonCode: 'approver-absent',
  ticket: 'OPS-1',
  policyBasis: 'production-write',
});

describe('OVR-11 time reminds, escalates and ends; it never approves', () => {
  test('a request that nobody answers is over after its time, with nothing granted', async () => {
    const request = await stage.submitted();
    await stage.pass(9 * HOUR_MS);
    const course = await stage.course(request);
    expect(course).toEqual(expect.arrayContaining(['reminded 15m', 'escalated 60m', 'lapsed 480m']));
    expect(course.filter((step) => /approved|granted/.test(step))).toEqual([]);
    expect((await stage.client.get(request.id)).status).toBe('lapsed');
  });

  test('an answer after the time is refused', async () => {
    const request = await stage.submitted();
    await stage.pass(9 * HOUR_MS);
    expect(await stage.say('person/mira', 'approve', request).catch(() => 'over')).not.toBe('accepted');
  });
});

describe('OVR-7 a replacement is for a limited time', () => {
  test('it lapses by itself, and the path returns to the original approver', async () => {
    const request = await stage.submitted();
    const untilMs = stage.nowMs() + HOUR_MS;
    expect(await stage.say('person/nadia', 'reroute', request, reroute(untilMs))).toBe('accepted');
    expect((await stage.client.get(request.id)).awaiting).toContain('person/david');
    await stage.pass(2 * HOUR_MS);
    expect(await stage.course(request)).toContain('replacement_lapsed 60m');
    expect((await stage.client.get(request.id)).awaiting).not.toContain('person/david');
    expect(await stage.say('person/david', 'approve', request)).toBe('NOT_ELIGIBLE');
    expect(await stage.say('person/mira', 'approve', request)).toBe('accepted');
  });
});

describe('APB-6, EMG-1 a grant ends by its timer', () => {
  test('approved access is gone after its hour, on the target too', async () => {
    const request = await stage.submitted();
    expect(await stage.say('person/mira', 'approve', request)).toBe('accepted');
    const { lease } = await stage.until(request, ({ status }) => status === 'active');
    expect(await stage.holds('payments_ci', 'production_write')).toBe(true);
    await stage.pass(HOUR_MS + MINUTE_MS);
    await stage.until(request, ({ status }) => status === 'closed');
    expect(await stage.holds('payments_ci', 'production_write')).toBe(false);
    const ended = (await stage.client.events(request.id)).find(({ type }) => type === 'access_ended');
    expect(ended?.atMs).toBeGreaterThanOrEqual(lease?.expiresAtMs ?? Number.POSITIVE_INFINITY);
  });
});

describe('TTA-3 an approval counts for as long as its statement', () => {
  test('the approval of the first stage lapses if the second stage is approved after its end', async () => {
    const request = await stage.submitted({
      requester: 'person/jonas',
      ticket: 'OPS-1',
      entitlement: { connector: 'warehouse', resource: 'payments', action: 'admin' },
    });
    expect((await stage.client.get(request.id)).status).toBe('awaiting_approval');
    expect(await stage.say('person/mira', 'approve', request, {}, 10 * MINUTE_MS)).toBe('accepted');
    await stage.pass(20 * MINUTE_MS);
    expect(await stage.course(request)).toContain('approval_lapsed 10m');
    expect(await stage.say('person/david', 'approve', request, { stage: 'dba' })).not.toBe('accepted');
    expect((await stage.client.get(request.id)).status).toBe('awaiting_approval');
  });
});
