import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { PostgresqlLedger } from '../src/ledger';
import { toStderr } from '../src/stack/announce';
import { provideExampleBundle } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';
import { findTemporalBinary } from '../src/stack/temporal-binary';
import { startTemporalServer } from '../src/stack/temporal-server';
import { bareSide } from './bare-side';
import { countersignSide } from './countersign-side';
import type { HeapWorkerPlace } from './heap-worker';
import { measureLowRisk, printLowRisk } from './low-risk';
import {
  creationMs,
  decisionToGrant,
  endToEnd,
  eventsOf,
  heapPerWaiting,
  median,
  quantile,
  waiting,
} from './measure';
import { benchOptions } from './options';
import { postgresTarget } from './postgres-target';
import { quietLogger } from './quiet';
import type { Side } from './side';
import { type Figures, printTable } from './table';

const { json, only, count } = benchOptions(
  'bench',
  {
    requests: { otherwise: 500, least: 1, most: 100_000 },
    'in-flight': { otherwise: 50, least: 1, most: 1_000 },
    rounds: { otherwise: 3, least: 1, most: 100 },
  },
  // Only the time from a low-risk request to a usable login.
  ['low-risk'],
);
const REQUESTS = count('requests');
const IN_FLIGHT = count('in-flight');
const ROUNDS = count('rounds');
const DECISIONS = 100;
const LOW_RISK = 40;
const WAITING = 500;
const REPLAYS = 300;

interface Timed {
  readonly rates: number[];
  readonly p50s: number[];
  readonly p99s: number[];
}

/** Runs both sides alternately on one server, so that other work on the machine affects both. */
async function main(): Promise<void> {
  Runtime.install({ logger: quietLogger });
  const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-'));
  const binary = await findTemporalBinary({ announce: toStderr });
  const server = await startTemporalServer({ binary: binary.path, stateDir, port: await freePort() });
  const connection = await Connection.connect({ address: server.address });
  const native = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection });
  const postgres = await postgresTarget();
  try {
    const place = { connection: native, stateDir, bundleDir: await provideExampleBundle(stateDir) };
    const bare = await bareSide(native);
    const countersign = await countersignSide(place);
    if (only === 'low-risk') {
      if (postgres === undefined) throw new Error('a login needs a PostgreSQL server');
      // As in production: the ledger is asked what went before, and records what is done.
      const ledger = new PostgresqlLedger({ url: postgres.url });
      const withTarget = await countersignSide(place, postgres.connector, ledger);
      const about = { client, bare, countersign: withTarget, postgres, stateDir };
      const lowRisk = await measureLowRisk(about, LOW_RISK, ROUNDS).finally(() => ledger.close());
      if (json) process.stdout.write(`${JSON.stringify(lowRisk)}\n`);
      else printLowRisk(lowRisk);
      return;
    }
    const sides =
      postgres === undefined
        ? [bare, countersign]
        : [bare, countersign, await countersignSide(place, postgres.connector)];
    const timed = await takeTurns(sides, client);
    const heaps = await heapsOf(bare, countersign, { ...place, address: server.address }, client);
    const figures = await assemble(sides, timed, heaps, client);
    if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else printTable(figures);
  } finally {
    await postgres?.stop();
    await native.close();
    await connection.close();
    await server.kill();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function takeTurns(sides: readonly Side[], client: Client): Promise<ReadonlyMap<Side, Timed>> {
  const timed = new Map(
    sides.map((side) => [side, { rates: [], p50s: [], p99s: [] } satisfies Timed as Timed]),
  );
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const [side, { rates, p50s, p99s }] of timed) {
      toStderr(round === 0 ? `warming up: ${side.name}` : `round ${round} of ${ROUNDS}: ${side.name}`);
      await withWorker(side, async () => {
        const { perSecond } = await endToEnd(side, client, round === 0 ? 50 : REQUESTS, IN_FLIGHT);
        const spans = await decisionToGrant(side, client, round === 0 ? 10 : DECISIONS);
        if (round === 0) return;
        rates.push(perSecond);
        p50s.push(quantile(spans, 0.5));
        p99s.push(quantile(spans, 0.99));
      });
    }
  }
  return timed;
}

async function assemble(
  sides: readonly Side[],
  timed: ReadonlyMap<Side, Timed>,
  heaps: Heaps,
  client: Client,
): Promise<Figures> {
  const [bare, countersign, withPostgres] = sides;
  if (bare === undefined || countersign === undefined) throw new Error('two sides are compared');
  const speed = (side: Side) => {
    const { rates = [], p50s = [], p99s = [] } = timed.get(side) ?? {};
    return { rate: median(rates), p50: median(p50s), p99: median(p99s) };
  };
  const [floor, ours] = [speed(bare), speed(countersign)];
  toStderr('events, creation');
  const events = await eventsUpToGrant(countersign, client);
  const [bareCreation, creation] = [await creationOf(bare, client), await creationOf(countersign, client)];
  const target = withPostgres && speed(withPostgres);
  return {
    requests: REQUESTS,
    in_flight: IN_FLIGHT,
    rounds: ROUNDS,
    ratio_end_to_end_rate: ours.rate / floor.rate,
    ratio_decision_to_grant_p50: ours.p50 / floor.p50,
    heap_kb_per_waiting_request: heaps.countersign,
    events_per_request: events,
    bundle_kb: codeKb(countersign),
    ratio_creation: creation / bareCreation,
    end_to_end_per_second: ours.rate,
    bare_end_to_end_per_second: floor.rate,
    decision_to_grant_p50_ms: ours.p50,
    bare_decision_to_grant_p50_ms: floor.p50,
    decision_to_grant_p99_ms: ours.p99,
    bare_decision_to_grant_p99_ms: floor.p99,
    bare_heap_kb_per_waiting_request: heaps.bare,
    bare_bundle_kb: codeKb(bare),
    creation_ms: creation,
    bare_creation_ms: bareCreation,
    ...(target && {
      postgresql_end_to_end_per_second: target.rate,
      postgresql_decision_to_grant_p50_ms: target.p50,
      ratio_postgresql_end_to_end_rate: target.rate / floor.rate,
    }),
  };
}

interface Heaps {
  readonly bare: number;
  readonly countersign: number;
}

async function heapsOf(
  bare: Side,
  countersign: Side,
  { stateDir, bundleDir, address }: Omit<HeapWorkerPlace, 'side'>,
  client: Client,
): Promise<Heaps> {
  toStderr('heap of waiting requests');
  const place = { stateDir, bundleDir, address };
  return {
    bare: await heapPerWaiting({ ...place, side: 'bare' }, bare, client, WAITING),
    countersign: await heapPerWaiting({ ...place, side: 'countersign' }, countersign, client, WAITING),
  };
}

const creationOf = (side: Side, client: Client): Promise<number> =>
  withWorker(side, () => creationMs(side, client, REPLAYS));

function eventsUpToGrant(side: Side, client: Client): Promise<number> {
  return withWorker(side, async () => {
    const [life] = await waiting(side, client, 1);
    if (life === undefined) throw new Error('nothing waits');
    const granted = life.granted();
    await life.decide(client);
    await granted;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return eventsOf(life, client);
  });
}

async function withWorker<T>(side: Side, work: () => Promise<T>): Promise<T> {
  const worker = await side.createWorker();
  return worker.runUntil(work());
}

/** The workflow code itself, without the source map in the same file, which is never evaluated. */
function codeKb({ bundle }: Side): number {
  const end = bundle.code.indexOf('//# sourceMappingURL');
  return (end < 0 ? bundle.code.length : end) / 1_024;
}

void main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
