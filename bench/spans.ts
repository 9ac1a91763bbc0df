import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { toStderr } from '../src/stack/announce';
import { arrivals, seeded } from './arrivals';
import { nowMs } from './clock';
import { type Decision, PARTS, type Way, wayOf } from './grant-way';
import { Ground, type Standing } from './ground';
import { useOf } from './machine';
import { benchOptions } from './options';
import { profileShares, type ThreadShares } from './profile-shares';
import type { SideName } from './side';
import { quantile, sorted } from './stats';
import { align, say } from './table';
import { waiting } from './waiting';
import type { WorkerProcess } from './worker-process';

const { json, count } = benchOptions('bench:spans', {
  rate: { otherwise: 4, least: 1, most: 1_000 },
  'most-rate': { otherwise: 40, least: 1, most: 1_000 },
  decisions: { otherwise: 60, least: 5, most: 10_000 },
  seed: { otherwise: 1, least: 0, most: 999_999_999 },
});
const SIDES = ['bare', 'bare_local', 'countersign'] as const satisfies readonly SideName[];
const WARM_UP = 100;
const SHOWN = 12;

/** One side at one rate: the parts of all its grants' ways, and the processor time of each process. */
interface Stretch {
  readonly side: SideName;
  readonly rate: number;
  readonly ways: readonly Way[];
  readonly cpuMs: { readonly client: number; readonly worker: number; readonly server: number };
}

async function main(): Promise<void> {
  const ground = await Ground.prepare();
  const profileDir = mkdtempSync(path.join(tmpdir(), 'countersign-profile-'));
  try {
    const stretches: Stretch[] = [];
    for (const name of SIDES) {
      toStderr(name);
      const { side, place } = ground.standing(name);
      const standing = { side, place: { ...place, noteSpans: true } };
      stretches.push(...(await stretchesOf(ground, standing, [count('rate'), count('most-rate')])));
    }
    toStderr('profile');
    const { side, place } = ground.standing('countersign');
    await stretchesOf(ground, { side, place: { ...place, profileDir } }, [count('most-rate')]);
    const threads = profileShares(profileDir);
    const [load = 0] = loadavg();
    if (json) process.stdout.write(`${JSON.stringify({ load, stretches, threads })}\n`);
    else print(stretches, threads, load);
  } finally {
    rmSync(profileDir, { recursive: true, force: true });
    await ground.close();
  }
}

function stretchesOf(ground: Ground, standing: Standing, rates: readonly number[]) {
  return ground.withWorkers([standing], async ([worker]) => {
    if (worker === undefined) throw new Error('no worker');
    const random = seeded(count('seed'));
    await stretch(ground, standing, worker, arrivals(200, WARM_UP, random));
    const measured: Stretch[] = [];
    for (const rate of rates) {
      const dueMs = arrivals(rate, count('decisions'), random);
      measured.push({
        side: standing.side.name,
        rate,
        ...(await stretch(ground, standing, worker, dueMs)),
      });
    }
    return measured;
  });
}

async function stretch(ground: Ground, { side }: Standing, worker: WorkerProcess, dueMs: readonly number[]) {
  const lives = await waiting(side, ground.client, dueMs.length);
  await worker.spans();
  const pids = {
    client: () => useOf(process.pid),
    worker: () => worker.use(),
    server: () => useOf(ground.server.pid),
  };
  const uses = () => ({ client: pids.client(), worker: pids.worker(), server: pids.server() });
  const before = uses();
  const beganMs = nowMs() + 50;
  const decisions = await Promise.all(
    lives.map(async (life, index): Promise<Decision> => {
      const due = beganMs + (dueMs[index] ?? 0);
      const granted = worker.granted(life.id);
      await new Promise((resolve) => setTimeout(resolve, due - nowMs()));
      const sentMs = nowMs();
      await life.decide(ground.client);
      const answeredMs = nowMs();
      return { workflowId: life.workflowId, dueMs: due, sentMs, answeredMs, grantedMs: await granted };
    }),
  );
  const after = uses();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const spans = await worker.spans();
  const ways = decisions.map((decision) =>
    wayOf(
      decision,
      spans.filter(({ workflowId }) => workflowId === decision.workflowId),
    ),
  );
  const per = (of: keyof typeof after) => (after[of].cpuMs - before[of].cpuMs) / decisions.length;
  return { ways, cpuMs: { client: per('client'), worker: per('worker'), server: per('server') } };
}

function print(stretches: readonly Stretch[], threads: readonly ThreadShares[], load: number): void {
  say(`p50 and p99 in ms, ${count('decisions')} decisions each, load average ${load.toFixed(1)}`);
  align([
    ['', ...stretches.map(({ side, rate }) => `${side}, ${rate} a second`)],
    ...PARTS.map((part) => [part, ...stretches.map(({ ways }) => spreadOf(ways.map((way) => way[part])))]),
    ...(['client', 'worker', 'server'] as const).map((of) => [
      `CPU of the ${of}`,
      ...stretches.map(({ cpuMs }) => cpuMs[of].toFixed(1)),
    ]),
  ]);
  const busyMs = threads.reduce((sum, thread) => sum + thread.busyMs, 0);
  for (const { thread, busyMs: own, shares } of threads) {
    say(`\nthe worker's thread "${thread}": ${percent(own / busyMs)} of its busy time`);
    align(shares.slice(0, SHOWN).map(({ what, share }) => [percent(share), what]));
  }
}

function spreadOf(values: readonly number[]): string {
  const inOrder = sorted(values);
  return `${quantile(inOrder, 0.5).toFixed(1)}, ${quantile(inOrder, 0.99).toFixed(1)}`;
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

void main().catch((error: unknown) => {
  process.stderr.write(`bench:spans: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
