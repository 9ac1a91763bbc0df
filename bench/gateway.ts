import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import {
  allOf,
  type Call,
  cleanOf,
  closedLoop,
  type Measured,
  openLoop,
  percentiles,
  waitedSeconds,
} from './http-load';
import { benchOptions } from './options';
import { requestToToken } from './request-to-token';

/* Measures how fast the gateway decides, compared with a direct Cedar call in the same process; and how long policy alone takes from
   request to execution token over HTTP, through a real workflow. `npm run build && node dist/bench/gateway.js`: about two
   minutes. With `decisions` or `token` only one of the two.

   The gateway runs in a process of its own; the load comes from this one, which keeps a core busy by itself. Rates are per
   second of CPU time, in rounds that alternate with the direct call. Latencies come from an open loop at half the
   rate, counted from when a question was due; those in which the generator itself was late are shown apart. A server that answers
   without reading anything gets the same load and shows what this machine and this generator cost by themselves. */

const ROUNDS = 3;
const HALF_SECONDS = 4;
const QUESTION = JSON.stringify({
  subject: { type: 'agent', id: 'atlas' },
  action: { name: 'read' },
  resource: { type: 'warehouse', id: 'reporting' },
});

interface Side {
  readonly publicUrl: string;
  readonly bareUrl: string;
  readonly token: string;
}

interface Round {
  readonly direct: { readonly cedar: number; readonly assessed: number };
  readonly perCore: number;
  readonly full: Measured;
  readonly half: Measured;
  readonly floor: Measured;
  /** Seconds of the half-load round in which gateway or generator waited for a core. */
  readonly waited: number;
}

async function decisions(): Promise<void> {
  const child = fork(path.join(__dirname, 'gateway-side.js'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [side] = (await once(child, 'message')) as [Side];
  const ask = async <Answer>(what: string): Promise<Answer> => {
    child.send(what);
    return ((await once(child, 'message')) as [Answer])[0];
  };
  const headers = { authorization: `Bearer ${side.token}` };
  const evaluation: Call = {
    ...{ url: `${side.publicUrl}/access/v1/evaluation`, headers },
    ...{ body: QUESTION, expected: '{"decision":true' },
  };
  const bare: Call = { ...evaluation, url: side.bareUrl };
  // Warm up by count, not by time: on a busy machine a second is too short, and the compiler would be measured.
  await closedLoop(bare, 16, 4_000);
  await closedLoop(evaluation, 16, 12_000);
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const direct = await ask<{ cedar: number; assessed: number }>('direct');
    const before = await ask<number>('cpu');
    const full = await closedLoop(evaluation, 32, 8_000);
    const perCore = full.samples.length / ((await ask<number>('cpu')) - before);
    const waitedBefore = (await ask<number>('waited')) + waitedSeconds();
    const half = await openLoop(evaluation, full.rate / 2, HALF_SECONDS);
    const waited = (await ask<number>('waited')) + waitedSeconds() - waitedBefore;
    const floor = await openLoop(bare, full.rate / 2, 2);
    rounds.push({ direct, perCore, full, half, floor, waited });
  }
  child.send('stop');
  const median = (of: (round: Round) => number): number =>
    rounds.map(of).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)] ?? 0;
  line('direct Cedar call', `${median(({ direct }) => direct.cedar).toFixed(0)} per second of one core`);
  line('whole assessment', `${median(({ direct }) => direct.assessed).toFixed(0)} per second of one core`);
  line('evaluation over HTTP', `${median(({ perCore }) => perCore).toFixed(0)} per second of one core`);
  const shares = rounds.map(({ perCore, direct }) => (perCore / direct.cedar).toFixed(2)).join(', ');
  const share = median(({ perCore, direct }) => perCore / direct.cedar);
  line('share of the direct call', `${share.toFixed(2)} (rounds: ${shares}; goal: at least 0.3)`);
  line(
    'at full load',
    `${median(({ full }) => full.rate).toFixed(0)}/s, ${told(rounds.flatMap(({ full }) => allOf(full)))}`,
  );
  const clean = rounds.flatMap(({ half }) => cleanOf(half));
  const raw = rounds.flatMap(({ half }) => allOf(half));
  line('at half load', `${told(clean)} (goal: p99 under 5 ms)`);
  line('  with the generator’s own delays', `${told(raw)}; ${share100(clean.length, raw.length)} were clean`);
  line('  p99 by round', rounds.map(({ half }) => ms(percentiles(cleanOf(half)).p99)).join(', '));
  const waits = rounds.map(({ waited }) => `${((100 * waited) / HALF_SECONDS).toFixed(0)} %`).join(', ');
  line(
    '  waited for a core, by round',
    `${waits} (above a few, the machine was busy and the figures say little)`,
  );
  line('  a server that does nothing', told(rounds.flatMap(({ floor }) => cleanOf(floor))));
}

async function token(): Promise<void> {
  const { denialMs, approvedMs, tokenMs, late } = await requestToToken(200);
  line('policy alone: question to denial', told(denialMs));
  line('policy alone: request to 201', told(approvedMs));
  line('policy alone: request to token', told(tokenMs));
  line('  answered with 202 instead of 201', String(late));
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const share100 = (part: number, whole: number): string =>
  `${((100 * part) / Math.max(1, whole)).toFixed(0)} %`;

function told(valuesMs: readonly number[]): string {
  const { count, p50, p99, p999 } = percentiles(valuesMs);
  return `p50 ${ms(p50)}, p99 ${ms(p99)}, p99.9 ${ms(p999)} of ${count}`;
}

const line = (what: string, figure: string): void =>
  void process.stdout.write(`${what.padEnd(38)} ${figure}\n`);

const { only } = benchOptions('bench of the gateway', {}, ['decisions', 'token']);

void (async () => {
  if (only !== 'token') await decisions();
  if (only !== 'decisions') await token();
})();
