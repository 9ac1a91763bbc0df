import { readSettings } from '../../../src/contracts/settings';

describe('FRI-4 settings of metrics and traces', () => {
  test('are off unless they are set, and stay on loopback', () => {
    const read = readSettings({});
    if (!read.ok) throw new Error(read.problems.join());
    expect(read.settings.COUNTERSIGN_METRICS_PORT).toBeUndefined();
    expect(read.settings.COUNTERSIGN_TEMPORAL_METRICS_PORT).toBeUndefined();
    expect(read.settings.COUNTERSIGN_TRACES_URL).toBeUndefined();
    expect(read.settings.COUNTERSIGN_METRICS_HOST).toBe('127.0.0.1');
  });

  test.each([
    ['COUNTERSIGN_METRICS_PORT', '70000'],
    ['COUNTERSIGN_METRICS_PORT', 'nine'],
    ['COUNTERSIGN_TRACES_RATIO', '2'],
    ['COUNTERSIGN_TRACES_URL', 'collector:4318'],
    ['COUNTERSIGN_TRACES_URL', 'https://someone:hunter2@collector.example.com/v1/traces'],
  ])('%s=%s is one clear error that does not repeat the value', (name, value) => {
    const read = readSettings({ [name]: value });
    expect(read.ok ? [] : read.problems).toEqual([expect.stringMatching(`^${name}: `)]);
    expect(JSON.stringify(read)).not.toContain('hunter2');
  });
});
