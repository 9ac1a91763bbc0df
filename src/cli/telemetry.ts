import type { TelemetryOptions } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Settings } from '../contracts/settings';
import { SILENT } from '../telemetry/catalogue';
import type { TracedService } from '../telemetry/otlp';
import type { Seed } from '../telemetry/recorder';
import type { Metrics } from '../telemetry/serve';
import { type Tracing, UNTRACED } from '../telemetry/tracing';

/**
 * Metrics as the settings have them. What makes them is loaded only where they are wanted. Where they cannot be served
 * the program works without them, and says so: nobody's access may outlive its end because a port was taken.
 */
export async function metricsOf(seed: Seed, settings: Settings, logger: Logger): Promise<Metrics> {
  const { COUNTERSIGN_METRICS_HOST: host, COUNTERSIGN_METRICS_PORT: port } = settings;
  if (port === undefined) return UNMEASURED;
  const { serveMetrics } = await import('../telemetry/serve.js');
  try {
    return await serveMetrics(seed, { host, port });
  } catch (error) {
    logger.error(
      { reason: error instanceof Error ? error.message : String(error) },
      'ALERT nothing is measured',
    );
    return UNMEASURED;
  }
}

const UNMEASURED: Metrics = { recorder: SILENT, stop: async () => undefined };

/** Traces as the settings have them; the same of them. */
export async function tracingOf(service: TracedService, settings: Settings): Promise<Tracing> {
  const { COUNTERSIGN_TRACES_URL: url, COUNTERSIGN_TRACES_RATIO: ratio } = settings;
  if (url === undefined) return UNTRACED;
  const { startTracing } = await import('../telemetry/otlp.js');
  return startTracing(service, { url, ratio });
}

/** What the Temporal SDK's native part measures: task queues, pollers, caches, calls to the server. */
export function temporalTelemetry({
  COUNTERSIGN_METRICS_HOST: host,
  COUNTERSIGN_TEMPORAL_METRICS_PORT: port,
}: Settings): TelemetryOptions {
  if (port === undefined) return {};
  return {
    metrics: {
      prometheus: {
        bindAddress: `${host}:${port}`,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
    },
  };
}
