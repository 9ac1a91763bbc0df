import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import path from 'node:path';
import { Client as Database } from 'pg';
import { replayHistory } from '../../../src/audit/replay';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { builtWorkflowBundle, Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventually, eventuallyTrue } from '../../support/harness-wait';

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start();
}, 120_000);
afterAll(() => harness?.stop());

const held = () => harness.holds('payments_ci', 'production_write');
const handleOf = ({ id }: AccessRequest) => harness.temporal.workflow.getHandle(workflowIdOf(id));

async function active(durationMs: number): Promise<AccessRequest> {
  const request = await harness.cast.ask({ ...WRITE, durationMs });
  await harness.cast.say('person/mira', 'approve', request);
  await harness.cast.settled(request);
  return request;
}

/** What the seeded lives found once, each by itself. */
describe('EMG-2 AUD-1 what strangers and bad luck did to a request', () => {
  test('a statement that comes while the target is being asked leaves a history that replays', async () => {
    const request = await harness.cast.ask(WRITE);
    const database = new Database({ connectionString: harness.postgres.url });
    await database.connect();
    // The act waits on the target for as long as another session holds its lock.
    await database.query(
      `BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('countersign lease ${request.id}', 0))`,
    );
    await harness.client.leaveStatement(
      request.id,
      'approve',
      await harness.cast.sign('person/mira', 'approve', request),
    );
    await eventuallyTrue('the act waits', async () => {
      const [row] = await harness.postgres.query(
        "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE application_name = 'countersign' AND wait_event = 'advisory'",
      );
      return row?.['waiting'] === 1;
    });
    await harness.client.leaveStatement(
      request.id,
      'approve',
      await harness.cast.sign('person/lena', 'approve', request),
    );
    await eventuallyTrue('the statement has come', async () => {
      const { events } = await handleOf(request).fetchHistory();
      return (
        (events ?? []).filter((event) => event.workflowExecutionSignaledEventAttributes != null).length === 2
      );
    });
    await database.query('COMMIT');
    await database.end();
    await harness.cast.until(
      request,
      ({ status, refusalCount }) => status === 'active' && refusalCount === 1,
    );
    const history = await harness.client.history(request.id);
    expect(await replayHistory(history, workflowIdOf(request.id), builtWorkflowBundle())).toEqual({
      ok: true,
    });
    await harness.cast.say('person/mira', 'revoke', request);
  }, 60_000);

  test('a statement whose check hangs does not keep the end of a grant unheard', async () => {
    const request = await active(3_000);
    const directory = path.join(harness.bundle.dir, 'directory.yaml');
    const statement = await harness.cast.sign('person/lena', 'deny', request);
    // Reading a pipe that nobody writes to never ends.
    renameSync(directory, `${directory}.kept`);
    execFileSync('mkfifo', [directory]);
    try {
      await harness.client.leaveStatement(request.id, 'deny', statement);
      await eventuallyTrue('access is gone', async () => !(await held()));
    } finally {
      // Whoever reads it finds its end, and the next one the directory.
      const pipe = openSync(directory, constants.O_RDWR);
      renameSync(`${directory}.kept`, directory);
      closeSync(pipe);
    }
    expect((await harness.leases(request.id))[0]).toMatchObject({ end_reason: 'expired' });
  }, 60_000);

  test.each([
    ['failed for good', 'fail'],
    ['cancelled', 'cancel'],
    ['answered with nonsense', 'complete'],
  ] as const)(
    'an ending that a stranger says has %s is tried again until it is done',
    async (_, how) => {
      const request = await active(600_000);
      harness.postgres.halt();
      await harness.client.leaveStatement(
        request.id,
        'revoke',
        await harness.cast.sign('person/greta', 'revoke', request),
      );
      const activityId = await eventually('the ending is tried', async () => {
        const { raw } = await handleOf(request).describe();
        return raw.pendingActivities?.[0]?.activityId ?? undefined;
      });
      const service = harness.temporal.workflowService;
      const task = {
        namespace: 'default',
        workflowId: workflowIdOf(request.id),
        activityId,
        identity: 'stranger',
      };
      if (how === 'fail')
        await service.respondActivityTaskFailedById({
          ...task,
          failure: { message: 'no', applicationFailureInfo: { nonRetryable: true } },
        });
      else if (how === 'complete')
        await service.respondActivityTaskCompletedById({
          ...task,
          result: { payloads: [{ metadata: { encoding: Buffer.from('x') }, data: Buffer.from('{') }] },
        });
      else await service.respondActivityTaskCanceledById(task).catch(() => undefined);
      harness.postgres.restart();
      await eventuallyTrue('access is gone', async () => !(await held()));
      expect((await harness.cast.over(request)).status).toBe('closed');
    },
    90_000,
  );
});
