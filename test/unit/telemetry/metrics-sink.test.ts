import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { DomainEvent } from '../../../src/domain/event';
import { measurementsOf } from '../../../src/domain/measurement';
import type { RequestState } from '../../../src/domain/state';
import { FORGETFUL } from '../../../src/ledger/forgetful';
import { METRICS } from '../../../src/telemetry/catalogue';
import { FailingEnds } from '../../../src/telemetry/failing-ends';
import { createMetricsSink } from '../../../src/telemetry/metrics-sink';
import { countMeasurements } from '../../../src/telemetry/worker-sinks';
import { parseScrape, total } from '../../support/telemetry/scrape';

function meter() {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({ readers: [exporter] });
  const scrape = async () => {
    const { resourceMetrics } = await exporter.collect();
    return parseScrape(new PrometheusSerializer('', false, undefined, true, true).serialize(resourceMetrics));
  };
  return { metrics: createMetricsSink(provider.getMeter('a test')), scrape };
}

describe('FRI-4 nothing that a requester writes makes a time series', () => {
  test('a connector that the worker does not have, and a value that is in no list, are counted together', async () => {
    const { metrics, scrape } = meter();
    for (let index = 0; index < 1_000; index += 1)
      countMeasurements(
        [
          { type: 'grant_refused', connector: `made-up-${index}`, code: 'NOT_AUTHORISED' },
          { type: 'granted', connector: 'warehouse', route: 'policy', afterDecisionMs: -5 },
        ],
        { startedAtMs: 0, isConnector: (name) => name === 'warehouse' },
        metrics,
      );
    metrics.record('countersign_requests_assessed_total', 3, { outcome: 'whatever' });
    const series = await scrape();
    const refused = series.filter(({ name }) => name === 'countersign_grants_refused_total');
    expect(refused).toEqual([
      { name: expect.any(String), labels: { connector: 'other', code: 'NOT_AUTHORISED' }, value: 1_000 },
    ]);
    expect(total(series, 'countersign_requests_assessed_total', { outcome: 'other' })).toBe(3);
    expect(total(series, 'countersign_decision_to_grant_seconds_sum', { connector: 'warehouse' })).toBe(0);
  });

  test('names from configuration are bounded as well', async () => {
    const { metrics, scrape } = meter();
    for (let index = 0; index < 1_000; index += 1)
      metrics.record('countersign_leases_active', 1, { connector: `target-${index}` });
    expect((await scrape()).length).toBeLessThanOrEqual(257);
  });
});

describe('FRI-4 measurements', () => {
  const state = {
    phase: 'granted',
    status: 'active',
    submission: { request: { entitlement: { connector: 'warehouse' }, emergency: true } },
    assessment: { outcome: 'approve' },
    lease: { id: 'x', account: 'a', grantedAtMs: 0, expiresAtMs: 10_000 },
  } as unknown as RequestState;

  test('say how late an end was: after the lease, or after the order to revoke it', () => {
    const expired: DomainEvent = { type: 'access_ended', atMs: 12_500, end: 'expired' };
    expect(measurementsOf([expired], [expired], state)).toMatchObject([{ cause: 'expired', lateMs: 2_500 }]);
    const ordered: DomainEvent = { type: 'ending_ordered', atMs: 5_000, end: 'revoked' };
    const revoked: DomainEvent = { type: 'access_ended', atMs: 5_300, end: 'revoked' };
    expect(measurementsOf([revoked], [ordered, revoked], state)).toMatchObject([
      { cause: 'revoked', lateMs: 300 },
    ]);
  });

  test('say how long the target took after the decision, and hold nobody’s name', () => {
    const approved: DomainEvent = { type: 'approved', atMs: 1_000 };
    const granted: DomainEvent = {
      type: 'granted',
      atMs: 1_250,
      lease: { id: 'x', account: 'secret-account', grantedAtMs: 0, expiresAtMs: 1 },
      reviewDueAtMs: 9,
    };
    const measurements = measurementsOf([granted], [approved, granted], state);
    expect(measurements).toEqual([
      { type: 'granted', connector: 'warehouse', route: 'emergency', afterDecisionMs: 250 },
      { type: 'review', phase: 'due' },
    ]);
    expect(JSON.stringify(measurements)).not.toContain('secret-account');
  });
});

describe('FRI-4 ends that fail', () => {
  test('are shown with their age until they succeed or are heard of no more', async () => {
    const { metrics, scrape } = meter();
    let now = 1_000_000;
    const failing = new FailingEnds(metrics, ['warehouse'], () => now);
    const seen = async () => {
      const series = await scrape();
      const labels = { connector: 'warehouse' };
      return [
        total(series, 'countersign_revocations_failing', labels),
        total(series, 'countersign_revocation_failing_seconds', labels),
      ];
    };
    failing.failed('one', 'warehouse', now - 60_000);
    failing.failed('two', 'warehouse', now - 5_000);
    expect(await seen()).toEqual([2, 60]);
    failing.done('one');
    expect(await seen()).toEqual([1, 5]);
    now += 200_000;
    failing.failed('three', 'made-up', now);
    expect(await seen()).toEqual([0, 0]);
    failing.done('three');
  });
});

describe('calls to the ledger that fail are told apart', () => {
  test('by names that the ledger has', () => {
    const { operation } = METRICS.countersign_ledger_errors_total.labels;
    expect([...operation].sort()).toEqual(Object.keys(FORGETFUL).sort());
  });
});
