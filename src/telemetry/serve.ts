import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { MetricsSink } from './catalogue';
import { createMetricsSink, type Seed } from './metrics-sink';

export interface MetricsServer {
  readonly metrics: MetricsSink;
  stop(): Promise<void>;
}

/** Series of one metric at most; what comes after is counted together. */
const MOST_SERIES = 2_000;

/**
 * Serves metrics on `http://HOST:PORT/metrics` in Prometheus text form.
 *
 * @throws Error of one line where the port cannot be had
 */
export async function serveMetrics(
  { from, connectors }: Seed,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const exporter = new PrometheusExporter({ host, port, preventServerStart: true, withoutScopeInfo: true });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ 'service.name': `countersign-${from}` }),
    readers: [exporter],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: MOST_SERIES }],
  });
  try {
    await exporter.startServer();
  } catch {
    throw new Error(`metrics cannot be served on ${host}:${port}; the port is taken, or not ours to have`);
  }
  return {
    metrics: createMetricsSink(provider.getMeter('countersign'), { from, connectors }),
    stop: () => provider.shutdown(),
  };
}
