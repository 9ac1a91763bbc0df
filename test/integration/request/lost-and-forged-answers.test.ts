import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, renameSync } from 'node:fs';
import path from 'node:path';
import { Client as Database } from 'pg';
import { workflowIdOf } from '../../../src/contracts/names';
import type { AccessRequest } from '../../../src/domain/request';
import { Harness } from '../../support/harness';
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

/** A pending activity. */
interface Pending {
  readonly namespace: string;
  readonly workflowId: string;
  readonly activityId: string;
  readonly identity: string;
}

const ACTIVITY_COMPLETED = 12;
const ACTIVITY_FAILED = 13;

/** Locks the request's lease on the target until the returned function is called. */
async function holdBack({ id }: AccessRequest): Promise<() => Promise<void>> {
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  await database.query('BEGIN');
  await database.query('SELECT 1 FROM countersign.lock WHERE subject = $1 FOR UPDATE', [`lease ${id}`]);
  return () => database.end();
}

/** Faults that the fault runs once found, one test each. */
describe('EMG-2 hanging, lost and forged answers do not keep access alive', () => {
  test('a statement whose check hangs does not delay the end of a grant', async () => {
    const request = await active(3_000);
    const directory = path.join(harness.bundle.dir, 'directory.yaml');
    const statement = await harness.cast.sign('person/lena', 'deny', request);
    // Reading from a pipe without a writer never ends.
    renameSync(directory, `${directory}.kept`);
    execFileSync('mkfifo', [directory]);
    try {
      await harness.client.leaveStatement(request.id, 'deny', statement);
      await eventuallyTrue('access is gone', async () => !(await held()));
    } finally {
      // This reader gets the end of the pipe, and the next one the directory.
      const pipe = openSync(directory, constants.O_RDWR);
      renameSync(`${directory}.kept`, directory);
      closeSync(pipe);
    }
    expect((await harness.leases(request.id))[0]).toMatchObject({ end_reason: 'expired' });
  }, 60_000);

  test.each([
    [
      'has failed for good',
      (about: Pending) =>
        harness.temporal.workflowService.respondActivityTaskFailedById({
          ...about,
          failure: { message: 'no', applicationFailureInfo: { nonRetryable: true } },
        }),
    ],
    ['is done', (about: Pending) => harness.temporal.workflowService.respondActivityTaskCompletedById(about)],
  ])(
    'an end of access that a stranger reports %s is retried until it is done',
    async (_what, answer) => {
      const request = await active(600_000);
      const letGo = await holdBack(request);
      const revocation = await harness.cast.sign('person/greta', 'revoke', request);
      await harness.client.leaveStatement(request.id, 'revoke', revocation);
      const about = { namespace: 'default', workflowId: workflowIdOf(request.id), identity: 'stranger' };
      await eventually('a stranger answers for the ending', async () => {
        const { raw } = await handleOf(request).describe();
        const activityId = raw.pendingActivities?.[0]?.activityId;
        if (activityId == null) return undefined;
        // Between two attempts no activity is pending.
        return answer({ ...about, activityId }).then(
          () => true,
          () => undefined,
        );
      });
      await eventually('the workflow has taken notice', async () => {
        const { events } = await harness.client.history(request.id);
        const types = events?.map(({ eventType }) => Number(eventType)) ?? [];
        return types.some((type) => type === ACTIVITY_COMPLETED || type === ACTIVITY_FAILED) || undefined;
      });
      expect((await harness.cast.view(request)).status).toBe('active');
      await letGo();
      await eventuallyTrue('access is gone', async () => !(await held()));
      expect((await harness.cast.over(request)).status).toBe('closed');
      expect((await harness.leases(request.id))[0]).toMatchObject({ end_reason: 'revoked' });
    },
    90_000,
  );

  test("if the target was down when access ended, the end is recorded as the request's own, although the target is asked twice", async () => {
    const request = await active(2_000);
    harness.postgres.halt();
    try {
      await eventually('the server has it tried', async () => {
        const { raw } = await handleOf(request).describe();
        return raw.pendingActivities?.[0]?.activityId ?? undefined;
      });
    } finally {
      harness.postgres.restart();
    }
    expect((await harness.cast.over(request)).status).toBe('closed');
    const ended = (await harness.cast.events(request)).find(({ type }) => type === 'access_ended');
    expect(ended).toMatchObject({ end: 'expired' });
    expect(ended).not.toHaveProperty('endedAtMs');
  }, 60_000);
});
