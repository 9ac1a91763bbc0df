import type { TelemetryOptions } from '@temporalio/worker';
import type { Logger } from '../contracts/logger';
import type { Settings } from '../contracts/settings';
import { NO_METRICS } from '../telemetry/catalogue';
import type { Seed } from '../telemetry/metrics-sink';
import type { TracedService } from '../telemetry/otlp';
import type { MetricsServer } from '../telemetry/serve';
import { type Tracing, UNTRACED } from '../telemetry/tracing';

/**
 * Serves metrics as the settings say, and loads that code only then. If they cannot be served, the program logs an alert and works
 * without them: access must not outlive its end because a port was taken.
 */
export async function metricsOf(seed: Seed, settings: Settings, logger: Logger): Promise<MetricsServer> {
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

const UNMEASURED: MetricsServer = { metrics: NO_METRICS, stop: async () => undefined };

/** Starts tracing as the settings say. */
export async function tracingOf(service: TracedService, settings: Settings): Promise<Tracing> {
  const { COUNTERSIGN_TRACES_URL: url, COUNTERSIGN_TRACES_RATIO: ratio } = settings;
  if (url === undefined) return UNTRACED;
  const { startTracing } = await import('../telemetry/otlp.js');
  return startTracing(service, { url, ratio });
}

/** Options for the metrics of the Temporal SDK's native part: task queues, pollers, caches, calls to the server. */
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
