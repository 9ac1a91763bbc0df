/** Where a caller's trace stands (W3C Trace Context). Free of libraries, for the workflow too. */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** Name of the header, over HTTP and in Temporal. */
export const TRACE_HEADER = 'traceparent';

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const LENGTH = 55;

/** Reads the header. It comes from outside: what is not exactly a traceparent is as if it were not there. */
export function readTraceParent(text: string | undefined): TraceParent | undefined {
  if (text === undefined || text.length !== LENGTH) return undefined;
  const [, traceId = '', spanId = '', flags = ''] = FORM.exec(text) ?? [];
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const writeTraceParent = ({ traceId, spanId, sampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;

const ENCODING = Uint8Array.from('json/plain', (char) => char.charCodeAt(0));

/** The traceparent as a header of Temporal's. */
export const traceHeader = (
  traceparent: string,
): { metadata: { encoding: Uint8Array }; data: Uint8Array } => ({
  metadata: { encoding: ENCODING },
  data: Uint8Array.from(`"${traceparent}"`, (char) => char.charCodeAt(0)),
});

/** Reads it from there. Whoever starts a workflow can send anything under that name; never throws. */
export function readTraceHeader(headers: Readonly<Record<string, unknown>>): string | undefined {
  const bytes = bytesIn(headers[TRACE_HEADER]);
  if (bytes === undefined) return undefined;
  const text = String.fromCharCode(...bytes).slice(1, -1);
  return readTraceParent(text) === undefined ? undefined : text;
}

/** The data of a payload. Told by its form: the workflow's sandbox has byte arrays of another make than its worker. */
function bytesIn(payload: unknown): Uint8Array | undefined {
  if (typeof payload !== 'object' || payload === null || !('data' in payload)) return undefined;
  const { data } = payload;
  if (!ArrayBuffer.isView(data) || data.byteLength !== LENGTH + 2) return undefined;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
