import type { Span } from './side';

/** When one decision was due and sent, and when it became a grant. */
export interface Decision {
  readonly workflowId: string;
  readonly dueMs: number;
  readonly sentMs: number;
  /** When the server had answered the signal. Other parts may have begun before. */
  readonly answeredMs: number;
  readonly grantedMs: number;
}

/** Milliseconds of one grant's way, by part. Those before `granted` add up to it, each moment counted once. */
export type Way = Readonly<Record<Part, number>>;

export const PARTS = [
  'client',
  'server and dispatch',
  'activations',
  'dispatch between',
  'check',
  'decode and prove',
  'policy',
  'target',
  'granted',
  'signal answered',
  'record after the grant',
] as const;
export type Part = (typeof PARTS)[number];

const INSIDE = new Set(['policy', 'target']);
const ACTS = new Set(['provision', 'act', 'verifyAndAct']);

/** Divides one grant's way into its parts. */
export function wayOf(decision: Decision, spans: readonly Span[]): Way {
  const { dueMs, sentMs, answeredMs, grantedMs } = decision;
  const own = spans.filter(({ endedMs }) => endedMs > sentMs).sort((a, b) => a.beganMs - b.beganMs);
  const outer = own.filter(({ name, beganMs }) => !INSIDE.has(name) && beganMs < grantedMs);
  const firstMs = outer[0]?.beganMs ?? grantedMs;
  /** The part of a span that lies before the grant. */
  const within = ({ beganMs, endedMs }: Span) => Math.min(endedMs, grantedMs) - beganMs;
  const sum = (of: readonly Span[]) => of.reduce((total, span) => total + Math.max(0, within(span)), 0);
  const named = (name: string) => sum(own.filter((span) => span.name === name));
  const acts = outer.filter(({ name }) => ACTS.has(name));
  const lastAct = acts.at(-1);
  const policy = sum(
    own.filter(
      ({ name, beganMs }) => name === 'policy' && lastAct !== undefined && beganMs >= lastAct.beganMs,
    ),
  );
  const target = named('target');
  const busy = sum(outer);
  const recordedMs = own.find(({ name, endedMs }) => name === 'activation' && endedMs > grantedMs)?.endedMs;
  return {
    client: sentMs - dueMs,
    'server and dispatch': firstMs - sentMs,
    activations: named('activation'),
    'dispatch between': grantedMs - firstMs - busy,
    check: named('checkStatements'),
    'decode and prove': sum(acts) - policy - target,
    policy,
    target,
    granted: grantedMs - dueMs,
    'signal answered': answeredMs - sentMs,
    'record after the grant': (recordedMs ?? grantedMs) - grantedMs,
  };
}
