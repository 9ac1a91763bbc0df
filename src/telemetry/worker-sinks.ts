import type { InjectedSinks } from '@temporalio/worker';
import type { Measurement } from '../domain/measurement';
import type { JournalSinks, MeasurementSinks } from '../workflows/journal';
import type { TraceSinks } from '../workflows/trace-carrier';
import { type MetricsSink, OTHER } from './catalogue';
import type { Tracing } from './tracing';

export interface SinksOptions {
  readonly metrics: MetricsSink;
  readonly tracing: Tracing;
  readonly isConnector: (name: string) => boolean;
}

/**
 * Where the workflow code of a worker at work is heard. None is called while a history is replayed; a workflow task that
 * is done again, after a worker was lost or a workflow was reset, says what it says again.
 */
export function workerSinks({
  metrics,
  tracing,
  isConnector,
}: SinksOptions): InjectedSinks<JournalSinks & MeasurementSinks & TraceSinks> {
  return {
    // The journal is for who replays a history to verify it; here nobody listens.
    countersignJournal: { record: { fn: () => undefined, callDuringReplay: false } },
    countersignMeasurements: {
      record: {
        fn: ({ startTime }, measurements) =>
          countMeasurements(measurements, { startedAtMs: startTime.getTime(), isConnector }, metrics),
        callDuringReplay: false,
      },
    },
    countersignTrace: {
      ran: {
        fn: ({ workflowType, runStartTime }, parent) => {
          const about = { kind: 'internal', parent, startedAtMs: runStartTime.getTime() } as const;
          void tracing.span(`workflow ${workflowType}`, about, async () => undefined);
        },
        callDuringReplay: false,
      },
    },
  };
}

export interface MeasurementContext {
  /** When the request was started, by the server's clock. */
  readonly startedAtMs: number;
  /** Whether this worker has a connector of that name; a requester can write any. */
  readonly isConnector: (name: string) => boolean;
}

/** Counts what the workflow said has happened to one request. */
export function countMeasurements(
  measurements: readonly Measurement[],
  about: MeasurementContext,
  { record }: MetricsSink,
): void {
  for (const measurement of measurements) countMeasurement(measurement, about, record);
}

function countMeasurement(
  measurement: Measurement,
  { startedAtMs, isConnector }: MeasurementContext,
  record: MetricsSink['record'],
): void {
  const known = (name: string): string => (isConnector(name) ? name : OTHER);
  switch (measurement.type) {
    case 'assessed':
      record('countersign_requests_assessed_total', 1, { outcome: measurement.outcome });
      return;
    case 'decided': {
      const { decision, route: lane, atMs } = measurement;
      record('countersign_requests_decided_total', 1, { decision, lane });
      record('countersign_time_to_decision_seconds', (atMs - startedAtMs) / 1_000, { decision, lane });
      return;
    }
    case 'granted': {
      const labels = { connector: known(measurement.connector), lane: measurement.route };
      record('countersign_decision_to_grant_seconds', measurement.afterDecisionMs / 1_000, labels);
      return;
    }
    case 'grant_refused':
      record('countersign_grants_refused_total', 1, {
        connector: known(measurement.connector),
        code: measurement.code,
      });
      return;
    case 'access_ended': {
      const connector = known(measurement.connector);
      record('countersign_leases_ended_total', 1, { connector, cause: measurement.cause });
      record('countersign_lease_end_lag_seconds', measurement.lateMs / 1_000, { connector, by: 'workflow' });
      return;
    }
    case 'statement': {
      const { verb, refusal } = measurement;
      const result = refusal === undefined ? 'accepted' : 'refused';
      record('countersign_statements_total', 1, { verb, result });
      if (refusal !== undefined) record('countersign_refusals_total', 1, { code: refusal });
      return;
    }
    case 'dropped':
      record('countersign_statements_dropped_total', measurement.count, {});
      return;
    case 'prompted':
      record('countersign_prompts_total', 1, { how: measurement.how });
      return;
    case 'review':
      record('countersign_reviews_total', 1, { phase: measurement.phase });
      return;
  }
}
