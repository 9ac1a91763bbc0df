import { createServer } from 'node:net';
import pino from 'pino';
import { metricsOf } from '../../../src/cli/telemetry';
import { readSettings } from '../../../src/contracts/settings';
import { NO_METRICS } from '../../../src/telemetry/catalogue';

const other = createServer();

beforeAll(() => new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening)));

afterAll(() => new Promise((closed) => other.close(closed)));

test('EMG-2 a worker whose metrics port is taken goes on without metrics, and says so', async () => {
  const address = other.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const read = readSettings({ COUNTERSIGN_METRICS_PORT: String(address.port) });
  if (!read.ok) throw new Error('these settings are good');
  const metrics = await metricsOf({ from: 'worker', connectors: [] }, read.settings, logger);
  expect(metrics.metrics).toBe(NO_METRICS);
  expect(lines.join('')).toContain('ALERT nothing is measured');
  await metrics.stop();
});
