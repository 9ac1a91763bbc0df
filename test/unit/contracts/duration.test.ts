import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { parseDurationMs } from '../../../src/cli/duration';
import { readRequestFile } from '../../../src/cli/request-file';
import { composeWanted } from '../../../src/cli/run/wanted';
import { durationUpTo, formatDuration, parseDuration } from '../../../src/contracts/duration';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('one notation of durations for the bundle, files and the command line', () => {
  test('what is printed can be typed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 30 * 24 * HOUR }), (durationMs) => {
        expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
        expect(parseDurationMs(formatDuration(durationMs), '--for')).toBe(durationMs);
      }),
    );
  });

  test.each([
    ['1h30m', 90 * MINUTE],
    ['2d', 48 * HOUR],
    ['250ms', 250],
    ['0s', 0],
  ])('%s', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
    expect(parseDurationMs(text, '--timeout')).toBe(durationMs);
  });

  test.each(['', '90', '1.5h', '-1h', 'PT1H', '1h 30m', 'h', '1w'])('%j is not a duration', (text) => {
    expect(parseDuration(text)).toBeUndefined();
    expect(() => parseDurationMs(text, '--life')).toThrow(/^--life: .* is not a duration such as .*1h30m/);
  });

  test('run --for and a request file take what the bundle takes', async () => {
    const asked = { entitlement: 'warehouse:reporting#read', reason: 'why', for: '1h30m' };
    expect(composeWanted(asked).durationMs).toBe(90 * MINUTE);
    const file = path.join(await mkdtemp(path.join(tmpdir(), 'duration-')), 'request.yaml');
    await writeFile(
      file,
      'requester: person/mira\nentitlement: warehouse:reporting#read\nduration: 1h30m\nreason: why\n',
    );
    expect(await readRequestFile(file, 0)).toMatchObject({ request: { durationMs: 90 * MINUTE } });
  });

  test('a bundle wants more than nothing, and hints at how to write an hour and a half', () => {
    const schema = durationUpTo(HOUR);
    expect(schema.safeParse('0s').error?.issues[0]?.message).toMatch(/not a duration.*1h30m/);
    expect(schema.safeParse('1h30m').error?.issues[0]?.message).toMatch(/over the limit of 1h/);
    expect(schema.parse('45m')).toBe(45 * MINUTE);
  });
});
