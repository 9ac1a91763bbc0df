import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { replayHistory } from '../../../src/audit/replay';
import { addCodecKey } from '../../../src/codec';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { EMERGENCY, WRITE } from '../../support/harness-asks';

const folder = mkdtempSync(path.join(tmpdir(), 'countersign-codec-'));
const keyFile = path.join(folder, 'codec-keys.json');
let harness: Harness;
beforeAll(async () => {
  addCodecKey(keyFile, 'first');
  harness = await Harness.start({ codecKeys: keyFile });
}, 120_000);
afterAll(async () => {
  await harness?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const REASON = 'a reason that nobody but the worker may read';

/** Everything that the server has stored of a request, names and bytes, as text. */
async function stored({ id }: AccessRequest): Promise<string> {
  return wordsIn(await harness.temporal.workflow.getHandle(workflowIdOf(id)).fetchHistory()).join('\n');
}

function wordsIn(value: unknown): readonly string[] {
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('latin1')];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, member]) => [name, ...wordsIn(member)]);
  return [String(value)];
}

describe('FRI-3 payload encryption, from the client through the server to the worker', () => {
  test('a request lives its whole life, and the server has stored nothing of it in clear', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 500, reason: REASON });
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    expect((await harness.cast.over(request)).status).toBe('closed');
    const text = await stored(request);
    expect(text.includes('binary/encrypted')).toBe(true);
    // Found by the same search where nothing is encrypted.
    const inClear = wordsIn(await harness.client.history(request.id)).join('\n');
    for (const secret of [
      REASON,
      'eyJhbGciOi',
      '"receivedAtMs"',
      '"determiningPolicies"',
      'person/mira","stage',
    ])
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
    for (const secret of [REASON, 'eyJhbGciOi', '"determiningPolicies"'])
      expect(inClear.includes(secret)).toBe(true);
  });

  test('AUD-1 the history that the client hands out is in clear, and replays for whoever has no key', async () => {
    const request = await harness.cast.ask({ ...WRITE, durationMs: 300, reason: REASON });
    await harness.cast.say('person/mira', 'approve', request);
    await harness.cast.over(request);
    expect((await harness.client.submissionOf(request.id)).request).toEqual(request);
    const history = await harness.client.history(request.id);
    expect(await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle())).toEqual({
      ok: true,
    });
  });

  test('EMG-2 what cannot be opened stops no timer: a live emergency ends on time', async () => {
    const request = await harness.cast.ask({ ...EMERGENCY, durationMs: 3_000 });
    await harness.cast.say('person/sofia', 'approve', request);
    await harness.cast.settled(request);
    const bytes = (text: string) => new TextEncoder().encode(text);
    for (const [keyId, data] of [
      ['first', 'garbage that is long enough to hold a nonce and a tag'],
      ['unknown', 'x'],
      ['first', ''],
    ] as const)
      await harness.temporal.workflowService.signalWorkflowExecution({
        namespace: 'default',
        workflowExecution: { workflowId: workflowIdOf(request.id) },
        signalName: 'revoke',
        input: {
          payloads: [
            {
              metadata: { encoding: bytes('binary/encrypted'), 'encryption-key-id': bytes(keyId) },
              data: bytes(data),
            },
          ],
        },
      });
    const over = await harness.cast.over(request);
    expect(over.refusals.map(({ refusal }) => refusal.code)).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED']);
    const [lease] = await harness.leases(request.id);
    expect(Number(lease?.['ended_at_ms']) - Number(lease?.['expires_at_ms'])).toBeLessThan(3_000);
  });

  test('rotation while a request waits: the next worker opens what the old key encrypted', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer', durationMs: 500 });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    await harness.stopWorker();
    addCodecKey(keyFile, 'second');
    await harness.client.leaveStatement(request.id, 'approve', approval);
    await harness.startWorker();
    await harness.temporal.workflow.getHandle(workflowIdOf(request.id)).result();
    const text = await stored(request);
    expect([text.includes('first'), text.includes('second')]).toEqual([true, true]);
    expect(await harness.leases(request.id)).toMatchObject([{ end_reason: 'expired' }]);
  });
});
