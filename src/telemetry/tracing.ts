import type { Attributes } from '@opentelemetry/api';

export interface SpanAbout {
  readonly kind: 'client' | 'server' | 'internal';
  readonly attributes?: Attributes;
  /** Where the caller's trace stands; without it, that of the work around this. It comes from outside. */
  readonly parent?: string | undefined;
  readonly startedAtMs?: number;
}

/** What spans are made with. */
export interface Tracing {
  /** Runs work in a span of that name. Nothing that goes wrong here reaches the work. */
  span<T>(name: string, about: SpanAbout, work: (note: Note) => Promise<T>): Promise<T>;
  /** The span that is open around the caller, to be handed on. */
  current(): string | undefined;
  /** Sends what waits to be sent, and ends. */
  stop(): Promise<void>;
}

/** Adds to the span what is known later. */
export type Note = (attributes: Attributes) => void;

/** No traces: work is run, and that is all. */
export const UNTRACED: Tracing = {
  span: (_name, _about, work) => work(() => undefined),
  current: () => undefined,
  stop: async () => undefined,
};
