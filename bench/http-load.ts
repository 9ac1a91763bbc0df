import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/* Load over HTTP from a process of its own. What the generator itself was late by is not the server's latency, so it is
   measured too, and a sample in which it was late says so. */

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What a good answer begins with. */
  readonly expected: string;
}

export interface Sample {
  /** From when it should have been sent to when the answer was read: no wait is left out (coordinated omission). */
  readonly latencyMs: number;
  /** Of that, what the generator was late by at most: in sending, and in reading what had come. */
  readonly ownMs: number;
}

export interface Measured {
  readonly rate: number;
  readonly samples: readonly Sample[];
}

/** More of its own delay than this, and a sample does not say how fast the server was. */
const CLEAN_MS = 0.5;

/** So many at a time, each as soon as one is answered. */
export async function closedLoop(call: Call, width: number, count: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: width });
  const samples: Sample[] = [];
  const startMs = performance.now();
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      const sentMs = performance.now();
      await post(agent, call);
      samples.push({ latencyMs: performance.now() - sentMs, ownMs: 0 });
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  agent.destroy();
  return { rate: samples.length / ((performance.now() - startMs) / 1_000), samples };
}

/** At a rate of its own, evenly, whatever becomes of earlier ones. Its loop never sleeps, so each turn of it is known. */
export async function openLoop(call: Call, rate: number, seconds: number): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const samples: Sample[] = [];
  const pending: Promise<void>[] = [];
  const total = Math.floor(rate * seconds);
  const startMs = performance.now();
  let turnMs = startMs;
  let over = false;
  const send = async (dueMs: number): Promise<void> => {
    const lateMs = performance.now() - dueMs;
    await post(agent, call);
    const readMs = performance.now();
    // It was read in this turn of the loop; it may have come as early as the last one began.
    samples.push({ latencyMs: readMs - dueMs, ownMs: lateMs + (readMs - turnMs) });
  };
  const turn = (): void => {
    const nowMs = performance.now();
    const due = Math.min(total, Math.floor(((nowMs - startMs) / 1_000) * rate));
    for (; pending.length < due; ) pending.push(send(startMs + ((pending.length + 1) / rate) * 1_000));
    turnMs = nowMs;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  while (pending.length < total) await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(pending);
  over = true;
  agent.destroy();
  return { rate, samples };
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

export function percentiles(valuesMs: readonly number[]): Percentiles {
  const sorted = [...valuesMs].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
}

/** Latencies of the samples in which the generator was on time. */
export const cleanOf = ({ samples }: Measured): readonly number[] =>
  samples.filter(({ ownMs }) => ownMs <= CLEAN_MS).map(({ latencyMs }) => latencyMs);
export const allOf = ({ samples }: Measured): readonly number[] => samples.map(({ latencyMs }) => latencyMs);

/** Seconds in which this process could have run and had no core (Linux; elsewhere unknown, which is not nothing). */
export function waitedSeconds(): number {
  try {
    const [, waitedNs = ''] = readFileSync('/proc/self/schedstat', 'utf8').split(' ');
    return Number(waitedNs) / 1e9;
  } catch {
    return Number.NaN;
  }
}

function post(agent: Agent, { url, headers, body, expected }: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          ...headers,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
        },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          text.startsWith(expected) ? resolve() : reject(new Error(`${response.statusCode} ${text}`)),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
