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

/** An activity that waits to be answered. */
interface Pending {
  readonly namespace: string;
  readonly workflowId: string;
  readonly activityId: string;
  readonly identity: string;
}

const ACTIVITY_COMPLETED = 12;
const ACTIVITY_FAILED = 13;

/** Whatever is done with the request's lease on the target waits until this lets go. */
async function holdBack({ id }: AccessRequest): Promise<() => Promise<void>> {
  const database = new Database({ connectionString: harness.postgres.url });
  await database.connect();
  await database.query('BEGIN');
  await database.query('SELECT 1 FROM countersign.lock WHERE subject = $1 FOR UPDATE', [`lease ${id}`]);
  return () => database.end();
}

/** What the seeded lives found once, each by itself. */
describe('EMG-2 what strangers and bad luck did to a request', () => {
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
    'an ending that a stranger says %s is tried again until it is done',
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
        // Between two attempts there is nothing to answer for.
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

  test("an ending that the target was away for is recorded as the request's own, though the target is asked twice", async () => {
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
