import type { Meter } from '@opentelemetry/api';
import {
  type LabelValues,
  METRICS,
  type MetricName,
  type MetricSpec,
  OTHER,
  type Recorder,
} from './catalogue';

/** Names that one label takes from configuration at most; what comes after is counted together. */
const MOST_NAMES = 256;

type Record_ = (value: number, labels: Readonly<Record<string, string>>) => void;

/** A recorder over an OpenTelemetry meter. A value that its label does not have is counted as `other`. */
export function createRecorder(meter: Meter): Recorder {
  const instruments = new Map(
    Object.entries(METRICS).map(([name, spec]) => [name, instrument(meter, name, spec)]),
  );
  return {
    record: (name: MetricName, value, labels) => instruments.get(name)?.(value, labels),
  };
}

function instrument(meter: Meter, name: string, spec: MetricSpec): Record_ {
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

function boundedLabels({ labels: specified }: MetricSpec) {
  const allowed = Object.entries(specified).map(([label, values]) => [label, boundOf(values)] as const);
  return (labels: Readonly<Record<string, string>>) =>
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
