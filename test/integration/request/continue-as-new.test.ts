import { defineUpdate } from '@temporalio/workflow';
import { replayHistory } from '../../../src/audit/replay';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { ADMIN, EMERGENCY, WRITE } from '../../support/harness-asks';
import { eventually } from '../../support/harness-wait';

/** Floods a real server until it suggests to cut the history: at 4 MiB, or 4,096 events. */
jest.setTimeout(150_000);

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

const handle = ({ id }: AccessRequest) => harness.temporal.workflow.getHandle(workflowIdOf(id));
const runOf = async (request: AccessRequest) => (await handle(request).describe()).runId;

const submitStatement = defineUpdate<unknown, [unknown]>('submitStatement');

/** Five megabytes of rubbish, in a few signals. */
const flood = (request: AccessRequest, name: string) =>
  Promise.all(
    Array.from({ length: 50 }, (_, count) =>
      handle(request).signal(name, { count, fill: 'x'.repeat(100 * 1024) }),
    ),
  );

const nextRun = (request: AccessRequest, before: string) =>
  eventually(
    'the history is cut',
    async () => {
      const now = await runOf(request);
      return now === before ? undefined : now;
    },
    90_000,
  );

describe('EMG-2 a history that grows too long is cut, and nothing is lost', () => {
  test('approvals, refusals and counts are carried over, used statements stay used, and the path continues', async () => {
    const request = await harness.cast.ask({ ...ADMIN, durationMs: 3_000 });
    const approval = await harness.cast.sign('person/mira', 'approve', request);
    expect(await harness.cast.carry(request, approval)).toBe('accepted');
    expect(await harness.cast.say('person/lena', 'approve', request)).toBe('NOT_ELIGIBLE');
    const before = await harness.cast.view(request);
    const run = await runOf(request);
    await flood(request, 'approve');
    await nextRun(request, run);

    const after = await harness.cast.until(request, () => true);
    expect(after.approvals).toEqual(before.approvals);
    expect(after.awaiting).toEqual(before.awaiting);
    expect(after.nextDeadline).toEqual(before.nextDeadline);
    expect(after.refusals.slice(0, 1)).toEqual(before.refusals);
    expect(after.refusalCount).toBe(51);
    expect(await harness.cast.carry(request, approval)).toBe('REPLAYED');
    expect(await harness.cast.say('person/david', 'approve', request)).toBe('accepted');
    expect((await harness.cast.settled(request)).status).toBe('active');
    expect((await harness.cast.over(request)).status).toBe('closed');
    const history = await harness.client.history(request.id);
    expect(await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle())).toEqual({
      ok: true,
    });
  });

  test.each([
    ['of a verb', 'revoke'],
    ['of a name that nobody knows, which reach no handler', 'grantNow'],
  ])('signals %s, against a live emergency: its end has not moved, and it ends', async (_what, name) => {
    const requester = name === 'revoke' ? 'person/jonas' : 'person/ravi';
    const request = await harness.cast.ask({ ...EMERGENCY, requester, durationMs: 6_000 });
    await harness.cast.say('person/sofia', 'approve', request);
    const granted = await harness.cast.settled(request);
    const run = await runOf(request);
    await flood(request, name);
    await nextRun(request, run);
    const after = await harness.cast.until(request, () => true);
    expect([after.status, after.lease]).toEqual(['active', granted.lease]);
    expect((await harness.cast.over(request)).lease).toEqual(granted.lease);
    const [lease] = await harness.leases(request.id);
    expect(Number(lease?.['ended_at_ms']) - Number(lease?.['expires_at_ms'])).toBeLessThan(5_000);
  });

  test('if only updates arrive, each is answered and the history is cut between them', async () => {
    const request = await harness.cast.ask(WRITE);
    const run = await runOf(request);
    const statement = { format: 'jws', jws: `a.${'b'.repeat(15_000)}.c` };
    const lane = async () => {
      for (let count = 0; count < 40; count += 1)
        expect(await handle(request).executeUpdate(submitStatement, { args: [statement] })).toMatchObject({
          accepted: false,
        });
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    await nextRun(request, run);
    expect((await harness.cast.until(request, () => true)).refusalCount).toBe(320);
  });

  test('APB-4 a denial is not answered as accepted if the history is cut before its bar; the next run sets the bar', async () => {
    const request = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer' });
    const denial = await harness.cast.sign('person/tomas', 'deny', request);
    const run = await runOf(request);
    harness.postgres.halt();
    try {
      const answer = handle(request)
        .executeUpdate(submitStatement, { args: [denial] })
        .catch((error: Error) => error.name);
      await harness.cast.until(request, ({ status }) => status === 'denied');
      await flood(request, 'grantNow');
      await nextRun(request, run);
      expect(await answer).toBe('WorkflowUpdateFailedError');
      expect((await harness.cast.until(request, () => true)).barred).toBe(false);
    } finally {
      harness.postgres.restart();
    }
    await handle(request).result();
    expect(await harness.leases(request.id)).toMatchObject([{ end_reason: 'barred' }]);
  });

  test('a flood slows one request and no other', async () => {
    const flooded = await harness.cast.ask(WRITE);
    const other = await harness.cast.ask({ ...WRITE, requester: 'bot/deployer', durationMs: 30_000 });
    const approval = await harness.cast.sign('person/mira', 'approve', other);
    const flooding = Promise.all([flood(flooded, 'approve'), flood(flooded, 'deny')]);
    const sentAtMs = Date.now();
    expect(await harness.cast.carry(other, approval)).toBe('accepted');
    expect((await harness.cast.settled(other)).status).toBe('active');
    expect(Date.now() - sentAtMs).toBeLessThan(10_000);
    await flooding;
  });
});
