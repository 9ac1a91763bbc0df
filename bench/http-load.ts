import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

/* Load over HTTP from a process of its own. The generator's own delay is not the server's latency, so it is
   measured too, and a sample in which the generator was late says so. */

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The text that a good answer begins with. */
  readonly expected: string;
}

export interface Sample {
  /** From when the request was due to when its answer was read, so that no wait is left out (coordinated omission). */
  readonly latencyMs: number;
  /** The part of it by which the generator itself was late at most, in sending and in reading. */
  readonly ownMs: number;
}

export interface Measured {
  readonly rate: number;
  readonly samples: readonly Sample[];
}

/** If the generator was late by more than this, the sample says nothing about the server. */
const CLEAN_MS = 0.5;

/** Keeps a fixed number of requests in flight: each answer starts the next. */
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

/** Sends at a fixed rate, whether earlier requests are answered or not. The loop never sleeps, so the time of each pass is known. */
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
    // It was read in this pass of the loop; it may have arrived as early as the start of the previous one.
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

/** Returns the latencies of the samples in which the generator was on time. */
export const cleanOf = ({ samples }: Measured): readonly number[] =>
  samples.filter(({ ownMs }) => ownMs <= CLEAN_MS).map(({ latencyMs }) => latencyMs);
export const allOf = ({ samples }: Measured): readonly number[] => samples.map(({ latencyMs }) => latencyMs);

/** Returns the seconds in which this process was ready and waited for a core (Linux only; NaN elsewhere). */
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
