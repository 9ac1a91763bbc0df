import { randomUUID } from 'node:crypto';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { authorise } from '../src/connectors/kit';
import { GROUND_KINDS, type GroundKind } from '../test/support/targets/grounds';
import { type EndsTarget, startTarget } from './ends-targets';
import { benchOptions } from './options';
import { quantile } from './stats';

const { json, count, only } = benchOptions(
  'ends',
  {
    grants: { otherwise: 200, least: 1, most: 5_000 },
    'over-seconds': { otherwise: 60, least: 1, most: 3_600 },
  },
  GROUND_KINDS,
);
const GRANTS = count('grants');
const OVER_MS = count('over-seconds') * 1_000;
const GIVEN_AT_ONCE = 4;
/** Each grant that is made takes part of this time, before the first one ends. */
const LEAD_MS_A_GRANT = 150;
const LEAD_MS = 10_000;

interface Row {
  readonly kind: GroundKind;
  readonly ends: number;
  readonly gone: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** The load of the machine over the last minute, when the last one had ended. */
  readonly load: number;
}

/**
 * Makes grants whose ends are spread over one minute on a real target, and has each ended at its moment, as the workflow's timer does.
 * Reports how late each was gone, by the target's answer: what ending costs on this kind of target. The timer and Temporal are not in it.
 */
async function measure(kind: GroundKind): Promise<Row> {
  const target = await startTarget(kind, GRANTS);
  try {
    const firstEndMs = Date.now() + LEAD_MS + GRANTS * LEAD_MS_A_GRANT;
    const ends = Array.from({ length: GRANTS }, (_, index) => ({
      id: randomUUID(),
      account: target.account(index),
      atMs: Math.round(firstEndMs + (index / GRANTS) * OVER_MS),
    }));
    const waiting = [...ends];
    const give = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await grant(target, one);
    };
    await Promise.all(Array.from({ length: GIVEN_AT_ONCE }, give));
    if (Date.now() > firstEndMs) throw new Error(`${kind}: the grants took too long; give --grants fewer`);
    const ended = await Promise.all(ends.map((one) => endAt(target, one)));
    const lags = ended.map(({ lagMs }) => lagMs).sort((a, b) => a - b);
    return {
      kind,
      ends: ended.length,
      gone: ended.filter(({ isGone }) => isGone).length,
      p50: quantile(lags, 0.5),
      p99: quantile(lags, 0.99),
      longest: quantile(lags, 1),
      load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
    };
  } finally {
    await target.stop();
  }
}

interface End {
  readonly id: string;
  readonly account: string;
  readonly atMs: number;
}

async function grant({ connector, grant }: EndsTarget, { id, account, atMs }: End): Promise<void> {
  const durationMs = Math.max(1, atMs - Date.now());
  const { outcome } = await connector.provision(await authorise({ id, account, grant, durationMs }));
  if (outcome !== 'granted') throw new Error(`${account}: ${outcome}`);
}

async function endAt({ connector }: EndsTarget, { id, atMs }: End) {
  await sleep(Math.max(0, atMs - Date.now()));
  const { accessRemoved } = await connector.revoke(id, 'expired');
  return { lagMs: Date.now() - atMs, isGone: accessRemoved };
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  for (const kind of only === undefined ? GROUND_KINDS : [only]) {
    process.stderr.write(`ends: ${kind}\n`);
    try {
      rows.push(await measure(kind));
    } catch (error) {
      // What was measured of the others is still worth reading.
      sayFailure(kind, error);
    }
  }
  if (json) process.stdout.write(`${JSON.stringify(rows)}\n`);
  else {
    process.stdout.write(
      '| kind | ends | gone | p50 | p99 | longest | load |\n|---|---|---|---|---|---|---|\n',
    );
    for (const { kind, ends, gone, p50, p99, longest, load } of rows)
      process.stdout.write(
        `| \`${kind}\` | ${ends} | ${gone} | ${p50} ms | ${p99} ms | ${longest} ms | ${load} |\n`,
      );
  }
  if (rows.some(({ ends, gone }) => gone < ends)) process.exitCode = 1;
}

function sayFailure(what: string, error: unknown): void {
  process.stderr.write(`ends: ${what}: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

void main().catch((error: unknown) => sayFailure('failed', error));
