import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { readTraceParent, writeTraceParent } from '../contracts/traceparent';
import type { Note, SpanAbout, Tracing } from './tracing';

export type TracedService = 'countersign-worker' | 'countersign-gateway' | 'countersign-client';

export interface TracingOptions {
  readonly url: string;
  /** Share of traces that are sent. */
  readonly ratio: number;
}

/** Longest text of an attribute, and most attributes of a span: no caller can make one large. */
const SPAN_LIMITS = {
  attributeValueLengthLimit: 256,
  attributeCountLimit: 16,
  eventCountLimit: 1,
  linkCountLimit: 0,
};
const KINDS = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

/** Spans that wait to be sent at most; what comes after is not sent. */
const LONGEST_QUEUE = 2_048;
const SEND_WITHIN_MS = 5_000;

/** Sends traces over OTLP/HTTP. */
export function startTracing(service: TracedService, { url, ratio }: TracingOptions): Tracing {
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: SEND_WITHIN_MS });
  const processor = new BatchSpanProcessor({
    exporter,
    maxQueueSize: LONGEST_QUEUE,
    scheduledDelayMillis: 1_000,
    exportTimeoutMillis: SEND_WITHIN_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    sampler: new TraceIdRatioBasedSampler(ratio),
    spanLimits: SPAN_LIMITS,
    spanProcessors: [processor],
  });
  return new OtlpTracing(provider.getTracer('countersign'), () => provider.shutdown());
}

class OtlpTracing implements Tracing {
  readonly #around = new AsyncLocalStorage<Context>();

  constructor(
    private readonly tracer: Tracer,
    private readonly shutdown: () => Promise<void>,
  ) {}

  async span<T>(name: string, about: SpanAbout, work: (note: Note) => Promise<T>): Promise<T> {
    const { kind, attributes = {}, parent, startedAtMs } = about;
    const around = remote(parent) ?? this.#around.getStore() ?? ROOT_CONTEXT;
    const start = startedAtMs === undefined ? {} : { startTime: startedAtMs };
    const span = this.tracer.startSpan(name, { kind: KINDS[kind], attributes, ...start }, around);
    try {
      return await this.#around.run(trace.setSpan(around, span), () =>
        work((more) => void span.setAttributes(more)),
      );
    } catch (error) {
      fail(span, error);
      throw error;
    } finally {
      span.end();
    }
  }

  current(): string | undefined {
    const span = trace.getSpan(this.#around.getStore() ?? ROOT_CONTEXT)?.spanContext();
    if (span === undefined) return undefined;
    const { traceId, spanId, traceFlags } = span;
    return writeTraceParent({ traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
  }

  async stop(): Promise<void> {
    await this.shutdown().catch(() => undefined);
  }
}

/** The kind of an error and nothing of its text: that may hold what a caller wrote. */
function fail(span: Span, error: unknown): void {
  span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
  span.setStatus({ code: SpanStatusCode.ERROR });
}

function remote(parent: string | undefined): Context | undefined {
  const read = readTraceParent(parent);
  if (read === undefined) return undefined;
  const { traceId, spanId, sampled } = read;
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
