import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { orAlert } from '../../../src/activities/alert';

const lines: LogEntry[] = [];
const logger = new DefaultLogger('ERROR', (entry) => void lines.push(entry));
const about = { connector: 'warehouse', leaseId: 'request-0001', end: 'expired' };
const fails = () => Promise.reject(new Error('the database cannot be reached'));
beforeEach(() => {
  lines.length = 0;
});

/** Tries an act as an activity that was first scheduled so long ago. */
const tryAfter = (ms: number, act: () => Promise<unknown>) =>
  new MockActivityEnvironment({ attempt: 7, scheduledTimestampMs: Date.now() - ms }, { logger }).run(() =>
    orAlert(act, about, Date.now),
  );

describe('EMG-2 a revocation that does not give up says so', () => {
  test('after the first minutes, with what is concerned and why', async () => {
    await expect(tryAfter(180_000, fails)).rejects.toThrow('cannot be reached');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toBe('ALERT access could not be taken away yet');
    expect(lines[0]?.meta).toMatchObject({ ...about, attempt: 7, reason: 'the database cannot be reached' });
  });

  test('not before, and not where it succeeds', async () => {
    await expect(tryAfter(60_000, fails)).rejects.toThrow();
    await tryAfter(180_000, async () => 'done');
    expect(lines).toEqual([]);
  });

  test('called as a plain function it fails as it is', async () => {
    await expect(orAlert(fails, about, Date.now)).rejects.toThrow('cannot be reached');
  });
});
