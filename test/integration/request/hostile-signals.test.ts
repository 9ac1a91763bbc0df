import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { VERBS } from '../../../src/domain/statement';
import { Harness } from '../../support/harness';
import { EMERGENCY, WRITE } from '../../support/harness-asks';
import { strangersKey } from '../../support/keyring';

/** Everything here needs nothing but write access to the namespace. */
let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

interface RawPayload {
  readonly metadata: Record<string, Uint8Array>;
  readonly data: Uint8Array;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const payload = (encoding: string, data: string): RawPayload => ({
  metadata: { encoding: bytes(encoding) },
  data: bytes(data),
});

/** Sends a signal byte for byte, without any client of ours. */
const signalRaw = ({ id }: AccessRequest, signalName: string, payloads: RawPayload[]) =>
  harness.temporal.workflowService.signalWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: workflowIdOf(id) },
    signalName,
    input: { payloads },
  });

const signal = ({ id }: AccessRequest, name: string, ...args: unknown[]) =>
  harness.temporal.workflow.getHandle(workflowIdOf(id)).signal(name, ...args);

const GARBAGE: readonly (readonly [string, string, RawPayload[]])[] = [
  ['JSON that is none', 'approve', [payload('json/plain', '{not json')]],
  ['an encoding that nobody knows', 'approve', [payload('binary/encrypted', 'xyz')]],
  ['no encoding at all', 'deny', [{ metadata: {}, data: bytes('xyz') }]],
  ['broken protobuf', 'cancel', [payload('binary/protobuf', '\u0001\u0002')]],
  ['nothing', 'reroute', []],
  ['thirty arguments', 'approve', Array.from({ length: 30 }, () => payload('json/plain', '1'))],
  ['a name that nobody knows', 'grantNow', [payload('json/plain', '{"ok":true}')]],
  ['a name of the language', '__proto__', [payload('json/plain', '{}')]],
  ['a name of the language', 'constructor', [payload('json/plain', '{}')]],
  ['a name of the SDK', '__temporal_x', [payload('json/plain', '{}')]],
  ['a polluting object', 'approve', [payload('json/plain', '{"__proto__":{"format":"jws","jws":"a.b.c"}}')]],
  [
    'a polluting constructor',
    'approve',
    [payload('json/plain', '{"constructor":{"prototype":{"ok":true}}}')],
  ],
  ['deep nesting', 'approve', [payload('json/plain', '['.repeat(20_000) + ']'.repeat(20_000))]],
  [
    '20 KiB of a statement',
    'approve',
    [payload('json/plain', JSON.stringify({ format: 'jws', jws: `a.${'b'.repeat(20_480)}.c` }))],
  ],
];

describe('EMG-2 TTA-5 a signal can carry anything', () => {
  test.each(
    GARBAGE,
  )('%s, as %s: the request goes on, and one approval grants it', async (_what, name, payloads) => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 30_000 });
    await signalRaw(request, name, payloads);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    const view = await harness.cast.settled(request);
    expect(view.status).toBe('active');
    expect(view.refusals.every(({ refusal }) => ['MALFORMED', 'TOO_LARGE'].includes(refusal.code))).toBe(
      true,
    );
    // A signal of an unknown name reaches no handler. It stays in the server's history.
    expect(view.refusalCount).toBe(VERBS.some((verb) => verb === name) ? 1 : 0);
  });

  test('all of these sent to an active emergency: it ends on time, and its end has not moved', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, durationMs: 4_000 });
    await harness.cast.say('person/sofia', 'approve', request);
    const granted = await harness.cast.settled(request);
    for (const [, name, payloads] of GARBAGE) await signalRaw(request, name, payloads);
    await Promise.all(
      Array.from({ length: 200 }, (_, count) => signal(request, 'approve', { flood: count })),
    );
    const over = await harness.cast.over(request);
    expect(over.lease?.expiresAtMs).toBe(granted.lease?.expiresAtMs);
    expect(over.refusalCount).toBeGreaterThanOrEqual(200);
    expect(over.refusals.length).toBeLessThanOrEqual(64);
    expect(await harness.holds('jonas', 'production_admin')).toBe(false);
    const [lease] = await harness.leases(request.id);
    expect(Number(lease?.['ended_at_ms']) - Number(lease?.['expires_at_ms'])).toBeLessThan(5_000);
  });

  test('the workflow ignores a cancellation, which has no authority', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'person/ines', durationMs: 1_500 });
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).cancel();
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).cancel();
    expect((await harness.cast.over(request)).status).toBe('closed');
    expect(await harness.holds('ines', 'production_write')).toBe(false);
  });
});

describe('TTA-5 a signal in the name of an approver', () => {
  test('without their key grants nothing, however often it comes', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer' });
    const key = await strangersKey();
    const { keyId } = await harness.cast.key('person/mira');
    for (const forger of [key, { ...key, keyId }])
      await harness.client.leaveStatement(
        request.id,
        'approve',
        await harness.cast.sign('person/mira', 'approve', request, {}, { key: forger }),
      );
    const borrowed = await harness.cast.key('person/lena');
    const inName = await harness.cast.sign('person/mira', 'approve', request, {}, { key: borrowed });
    await harness.client.leaveStatement(request.id, 'approve', inName);
    const view = await harness.cast.until(request, ({ refusalCount }) => refusalCount === 3);
    expect(view.refusals.map(({ refusal }) => refusal.code)).toEqual([
      'UNKNOWN_KEY',
      'BAD_SIGNATURE',
      'BAD_SIGNATURE',
    ]);
    expect(view.status).toBe('awaiting_approval');
    expect(await harness.leases(request.id)).toEqual([]);
  });

  test('a flood of copies of one signed statement is bounded, and counts once', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer' });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await Promise.all(
      Array.from({ length: 100 }, () => harness.client.leaveStatement(request.id, 'approve', approval)),
    );
    expect((await harness.cast.settled(request)).status).toBe('active');
    const accepted = (await harness.cast.events(request)).filter(
      (event) => event.type === 'statement_accepted',
    );
    expect(accepted).toHaveLength(1);
    expect(await harness.leases(request.id)).toHaveLength(1);
  });
});
