import { loadavg } from 'node:os';
import { toStderr } from '../src/stack/announce';
import { type Plan, takeTurns } from './decisions';
import { assemble, type Sizes } from './figures';
import { Ground } from './ground';
import { measureLowRisk, printLowRisk } from './low-risk';
import { codeKb, creationMs, eventsUpToGrant, heapPerWaiting } from './measure';
import { benchOptions } from './options';
import { printTable } from './table';

const { json, only, count } = benchOptions(
  'bench',
  {
    rounds: { otherwise: 5, least: 1, most: 100 },
    seconds: { otherwise: 6, least: 1, most: 600 },
    'least-rate': { otherwise: 4, least: 1, most: 1_000 },
    'most-rate': { otherwise: 32, least: 1, most: 1_000 },
    requests: { otherwise: 500, least: 1, most: 100_000 },
    'in-flight': { otherwise: 50, least: 1, most: 1_000 },
    seed: { otherwise: 1, least: 0, most: 999_999_999 },
  },
  ['decisions', 'saturation', 'sizes', 'low-risk'],
);
const LOW_RISK = 40;
const WAITING = 500;
const REPLAYS = 300;

/** Times of all sides in turns; then what does not depend on time. */
async function main(): Promise<void> {
  const ground = await Ground.prepare();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void ground.close().finally(() => process.exit(1)));
  try {
    if (only === 'low-risk') {
      const lowRisk = await measureLowRisk(ground, LOW_RISK, count('rounds'));
      if (json) process.stdout.write(`${JSON.stringify(lowRisk)}\n`);
      else printLowRisk(lowRisk);
      return;
    }
    const plan: Plan = {
      rounds: count('rounds'),
      rates: only === undefined || only === 'decisions' ? rates() : [],
      seconds: count('seconds'),
      requests: only === undefined || only === 'saturation' ? count('requests') : 0,
      senders: count('in-flight'),
      seed: count('seed'),
    };
    const turns = only === 'sizes' ? [] : await takeTurns(ground, ground.sides, plan);
    const [load = 0] = loadavg();
    const sizes = only === undefined || only === 'sizes' ? await measureSizes(ground) : {};
    const figures = assemble(turns, plan, sizes, load);
    if (json) process.stdout.write(`${JSON.stringify(figures)}\n`);
    else printTable(figures);
  } finally {
    await ground.close();
  }
}

/** From the least rate to the most, each twice the one before. */
function rates(): readonly number[] {
  const [least, most] = [count('least-rate'), count('most-rate')];
  const steps: number[] = [];
  for (let rate = least; rate < most; rate *= 2) steps.push(rate);
  return [...steps, most];
}

async function measureSizes(ground: Ground): Promise<Sizes> {
  const [bare, ours] = [ground.standing('bare'), ground.standing('countersign')];
  toStderr('heap of waiting requests, events, creation');
  const [bareCreation, creation] = [
    await creationMs(ground, bare, REPLAYS),
    await creationMs(ground, ours, REPLAYS),
  ];
  return {
    heap_kb_per_waiting_request: await heapPerWaiting(ground, ours, WAITING),
    bare_heap_kb_per_waiting_request: await heapPerWaiting(ground, bare, WAITING),
    events_per_request: await eventsUpToGrant(ground, ours),
    bundle_kb: codeKb(ours),
    bare_bundle_kb: codeKb(bare),
    ratio_creation: creation / bareCreation,
    creation_ms: creation,
    bare_creation_ms: bareCreation,
  };
}

void main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
