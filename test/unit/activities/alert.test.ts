import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { orAlert } from '../../../src/activities/alert';
import { endAccessActivity } from '../../../src/activities/end-access';
import { FORGETFUL } from '../../../src/ledger';

const lines: LogEntry[] = [];
const logger = new DefaultLogger('ERROR', (entry) => void lines.push(entry));
const about = { connector: 'warehouse', leaseId: 'request-0001', end: 'expired' };
const fails = () => Promise.reject(new Error('the database cannot be reached'));
beforeEach(() => {
  lines.length = 0;
});

/** Runs an act as an activity that was first scheduled so long ago. */
const tryAfter = (ms: number, act: () => Promise<unknown>) =>
  new MockActivityEnvironment({ attempt: 7, scheduledTimestampMs: Date.now() - ms }, { logger }).run(() =>
    orAlert(act, about, Date.now),
  );

describe('EMG-2 a revocation that keeps failing raises an alert', () => {
  test('after the first minutes, with the lease and the reason', async () => {
    await expect(tryAfter(180_000, fails)).rejects.toThrow('cannot be reached');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toBe('ALERT access could not be taken away yet');
    expect(lines[0]?.meta).toMatchObject({ ...about, attempt: 7, reason: 'the database cannot be reached' });
  });

  test('not before, and not if it succeeds', async () => {
    await expect(tryAfter(60_000, fails)).rejects.toThrow();
    await tryAfter(180_000, async () => 'done');
    expect(lines).toEqual([]);
  });

  test('also if the worker no longer has the connector', async () => {
    const endAccess = endAccessActivity({
      authority: () => Promise.reject(new Error('none is needed')),
      connector: () => undefined,
      ledger: FORGETFUL,
      nowMs: Date.now,
    });
    const end = { connector: 'renamed', leaseId: 'request-0001', reason: 'expired' } as const;
    const scheduled = { attempt: 7, scheduledTimestampMs: Date.now() - 180_000 };
    const ended = new MockActivityEnvironment(scheduled, { logger }).run(() => endAccess(end));
    await expect(ended).rejects.toThrow('no connector renamed');
    expect(lines[0]?.message).toBe('ALERT access could not be taken away yet');
    expect(lines[0]?.meta).toMatchObject({ connector: 'renamed', leaseId: 'request-0001' });
  });

  test('called as a plain function, it only rethrows', async () => {
    await expect(orAlert(fails, about, Date.now)).rejects.toThrow('cannot be reached');
  });
});
