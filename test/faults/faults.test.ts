import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const MAIN = path.resolve(__dirname, '../../dist/test/faults/main.js');
const WITHIN_MS = 240_000;

const counts = z.object({
  unauthorised_grants: z.number(),
  double_grants: z.number(),
  late_grants: z.number(),
  lost_requests: z.number(),
  unreplayable_histories: z.number(),
});
const report = counts.extend({
  lives: z.number(),
  granted: z.number(),
  over_before_given: z.number(),
  faults: z.record(z.string(), z.number()),
  replayed_histories: z.number(),
  expiry_lag_ms: z.object({ p50: z.number(), p99: z.number(), max: z.number() }),
  complaints: z.array(z.string()),
});

/** The built command, as it is run by hand. */
async function run(...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args, '--json'], {
    timeout: WITHIN_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

const NOTHING = {
  unauthorised_grants: 0,
  double_grants: 0,
  late_grants: 0,
  lost_requests: 0,
  unreplayable_histories: 0,
};

describe('EMG-2 TTA-5 TTA-6 AUD-1 seeded lives under faults', () => {
  test(
    'a small fixed set keeps every promise',
    async () => {
      const found = report.parse(await run('--lives', '24', '--seed', '11', '--in-flight', '24'));
      expect(found).toMatchObject({ ...NOTHING, complaints: [] });
      // A run in which nothing happened would show nothing.
      expect(found.lives).toBeGreaterThanOrEqual(24);
      expect(found.granted).toBeGreaterThan(5);
      expect(found.replayed_histories).toBeGreaterThanOrEqual(20);
      expect(Object.keys(found.faults).length).toBeGreaterThan(5);
    },
    WITHIN_MS,
  );

  test(
    'TGT-2 so it does on a target whose leases lie beside it, while either of the two is struck',
    async () => {
      const args = ['--target', 'ldap-group', '--lives', '16', '--seed', '11', '--in-flight', '16'];
      const found = report.parse(await run(...args));
      expect(found).toMatchObject({ ...NOTHING, complaints: [] });
      expect(found.granted).toBeGreaterThan(3);
      expect(Object.keys(found.faults).length).toBeGreaterThan(3);
    },
    WITHIN_MS,
  );

  test('a kind without a storm, and a promise that is not broken on a kind, are one line each', async () => {
    await expect(run('--target', 'redis')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^faults: --target redis: no storm is made for this kind; give .*\n$/),
    });
    await expect(run('--target', 'mysql', '--break', 'grants-aside')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^faults: --break: promises are broken on postgresql alone.*\n$/),
    });
  });

  test(
    'each promise, broken on purpose, is noticed by the count that watches over it, and an unbroken one by none',
    async () => {
      const found = z.record(z.string(), counts).parse(await run('--break', 'all'));
      expect(found).toMatchObject({
        none: NOTHING,
        'grants-refused': { unauthorised_grants: expect.any(Number) },
      });
      const noticed = (name: string, count: keyof typeof NOTHING) => found[name]?.[count] ?? 0;
      expect(noticed('grants-refused', 'unauthorised_grants')).toBeGreaterThan(0);
      expect(noticed('grants-aside', 'unauthorised_grants')).toBeGreaterThan(0);
      expect(noticed('grants-twice', 'double_grants')).toBeGreaterThan(0);
      expect(noticed('holds-open', 'late_grants')).toBeGreaterThan(0);
      expect(noticed('puts-off-end', 'late_grants')).toBeGreaterThan(0);
      expect(noticed('loses-requests', 'lost_requests')).toBeGreaterThan(0);
      expect(noticed('diverges-from-history', 'unreplayable_histories')).toBeGreaterThan(0);
    },
    WITHIN_MS,
  );
});
