import type { Meter } from '@opentelemetry/api';
import {
  type LabelValues,
  METRICS,
  type MetricName,
  type MetricSpec,
  type MetricsSink,
  OTHER,
} from './catalogue';

/** Names that one label takes from configuration at most; what comes after is counted together. */
const MOST_NAMES = 256;

type Labels = Readonly<Record<string, string>>;
type Take = (value: number, labels: Labels) => void;

export interface Seed {
  /** Whose counters are shown as nothing before they have counted anything. */
  readonly from: MetricSpec['from'];
  readonly connectors: readonly string[];
}

/**
 * Creates a sink over an OpenTelemetry meter. A value that its label does not list counts as `other`. Counters are there
 * from the start: a series that is born with its first event has not increased in the eyes of an alert, and that event
 * may be the only one.
 */
export function createMetricsSink(meter: Meter, seed?: Seed): MetricsSink {
  const instruments = new Map<string, Take>();
  for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) {
    const take = instrument(meter, name, spec);
    instruments.set(name, take);
    if (spec.kind !== 'counter' || spec.from !== seed?.from) continue;
    for (const labels of combinations(spec.labels, seed.connectors)) take(0, labels);
  }
  return {
    record: (name: MetricName, value, labels) => instruments.get(name)?.(value, labels),
  };
}

function instrument(meter: Meter, name: string, spec: MetricSpec): Take {
  const about = { unit: spec.unit, description: spec.help };
  const bounded = boundedLabels(spec);
  switch (spec.kind) {
    case 'counter': {
      const counter = meter.createCounter(name, about);
      return (value, labels) => counter.add(value, bounded(labels));
    }
    case 'gauge': {
      const gauge = meter.createGauge(name, about);
      return (value, labels) => gauge.record(value, bounded(labels));
    }
    case 'histogram': {
      const advice = { explicitBucketBoundaries: [...(spec.buckets ?? [])] };
      const histogram = meter.createHistogram(name, { ...about, advice });
      // Clocks that disagree make spans below nothing.
      return (value, labels) => histogram.record(Math.max(0, value), bounded(labels));
    }
  }
}

function boundedLabels({ labels: specified }: MetricSpec): (labels: Labels) => Labels {
  const allowed = Object.entries(specified).map(([label, values]) => [label, boundOf(values)] as const);
  return (labels) =>
    Object.fromEntries(allowed.map(([label, bound]) => [label, bound(labels[label] ?? OTHER)]));
}

function boundOf(values: LabelValues): (value: string) => string {
  if (values !== 'configured') {
    const known = new Set(values);
    return (value) => (known.has(value) ? value : OTHER);
  }
  const seen = new Set<string>();
  return (value) => {
    if (seen.size < MOST_NAMES) seen.add(value);
    return seen.has(value) ? value : OTHER;
  };
}

/** Every set of values that the labels can have together. */
function combinations(labels: MetricSpec['labels'], connectors: readonly string[]): readonly Labels[] {
  return Object.entries(labels).reduce<readonly Labels[]>(
    (made, [label, values]) => {
      const known = values === 'configured' ? connectors : values;
      return made.flatMap((one) => known.map((value) => ({ ...one, [label]: value })));
    },
    [{}],
  );
}
