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

type Task = { namespace: string; workflowId: string; activityId: string; identity: string };

function answerFor(how: 'fail' | 'complete', task: Task): Promise<unknown> {
  const service = harness.temporal.workflowService;
  if (how === 'fail') {
    const failure = { message: 'no', applicationFailureInfo: { nonRetryable: true } };
    return service.respondActivityTaskFailedById({ ...task, failure });
  }
  const nonsense = { metadata: { encoding: Buffer.from('x') }, data: Buffer.from('{') };
  return service.respondActivityTaskCompletedById({ ...task, result: { payloads: [nonsense] } });
}

/** Whatever is done with the request's lease on the target waits until this lets go. */
async function holdBack({ id }: AccessRequest): Promise<() => Promise<void>> {
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  await database.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('countersign lease ${id}', 0))`);
  return () => database.end();
}

/** What the seeded lives found once, each by itself. */
describe('EMG-2 AUD-1 what strangers and bad luck did to a request', () => {
  test('a statement that comes while the target is being asked leaves a history that replays', async () => {
    const request = await harness.cast.ask(WRITE);
    const letGo = await holdBack(request);
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
    await letGo();
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
    ['answered with nonsense', 'complete'],
  ] as const)(
    'an ending that a stranger says has %s is tried again until it is done',
    async (_, how) => {
      const request = await active(600_000);
      const letGo = await holdBack(request);
      await harness.client.leaveStatement(
        request.id,
        'revoke',
        await harness.cast.sign('person/greta', 'revoke', request),
      );
      const about = { namespace: 'default', workflowId: workflowIdOf(request.id), identity: 'stranger' };
      await eventually('a stranger answers for the ending', async () => {
        const { raw } = await handleOf(request).describe();
        const activityId = raw.pendingActivities?.[0]?.activityId;
        if (activityId == null) return undefined;
        const task = { ...about, activityId };
        // Between two attempts there is nothing to answer for.
        return answerFor(how, task).then(
          () => true,
          () => undefined,
        );
      });
      await letGo();
      await eventuallyTrue('access is gone', async () => !(await held()));
      expect((await harness.cast.over(request)).status).toBe('closed');
    },
    90_000,
  );
});
