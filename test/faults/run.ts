import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOW_BUNDLE_FILE } from '../../src/project';
import type { GroundKind } from '../support/targets/grounds';
import { type Breakage, brokenWorker } from './breakage';
import { type Complaint, checkTarget, type TargetVerdict } from './check';
import { Ground, STATED_LAG_MS } from './ground';
import { keep } from './keepsake';
import { type LifeRecord, live } from './live';
import { Observer } from './observer';
import { type Plan, planLife } from './plan';
import { Storm } from './storm';
import { bundleVariant, variantWorker } from './workflow-code';
import { everyRun, findLost, findUnreplayable } from './workflows-seen';

export interface FaultsOptions {
  readonly lives: number;
  readonly seed: number;
  readonly inFlight: number;
  /** True for lives without faults. */
  readonly calm: boolean;
  /** The promise to break, to see whether that is noticed. */
  readonly breakage?: Breakage;
  /** Runs only this life. */
  readonly only?: number;
  /** The kind of the target. */
  readonly target: GroundKind;
  /** Folder for the histories of complaints. */
  readonly keepIn?: string;
  readonly announce: (line: string) => void;
}

export interface FaultsReport {
  readonly seed: number;
  readonly lives: number;
  readonly granted: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly target: TargetVerdict;
  /** How often the target was asked who has access, and how many accounts it showed to have some of it by a lease. */
  readonly seen: { readonly looks: number; readonly leased: number };
  readonly lost: readonly Complaint[];
  readonly replayed: number;
  readonly unreplayable: readonly Complaint[];
  readonly seconds: number;
}

/** A shorter limit, for runs that break a promise. */
const STATED_LAG_WHEN_BROKEN_MS = 3_000;
const SETTLE_WITHIN_MS = 90_000;
const SETTLE_WITHIN_WHEN_BROKEN_MS = 8_000;
/** With this many lives or more, new code is rolled out in the middle of the run. */
const ROLL_OUT_FROM = 40;

/** Runs a seeded set of lives with faults, on servers of its own, and checks the outcome. */
export async function runFaults(options: FaultsOptions): Promise<FaultsReport> {
  const { seed, announce, breakage, only } = options;
  const startedMs = performance.now();
  const plans = Array.from(
    { length: options.lives },
    (_, index): Plan => ({
      ...planLife(seed, index, options.calm),
      ...(breakage !== undefined && { idPrefix: `${breakage}-` }),
    }),
  ).filter((plan) => only === undefined || plan.index === only);
  const ground = await Ground.prepare(plans, options.target);
  const observer = await Observer.start(ground.postgres.url, ground.watched);
  try {
    if (breakage !== undefined) ground.program = await brokenWorker(ground.stateDir);
    await ground.startWorkers();
    announce(`${plans.length} lives, seed ${seed}, ${options.inFlight} at a time`);
    const { records, faults, code } = await liveThrough(ground, plans, options);
    announce('checking');
    const isBroken = breakage !== undefined;
    const settleMs = isBroken ? SETTLE_WITHIN_WHEN_BROKEN_MS : SETTLE_WITHIN_MS;
    const statedLagMs = isBroken ? STATED_LAG_WHEN_BROKEN_MS : STATED_LAG_MS;
    const judge = async () =>
      checkTarget(records, {
        changes: await observer.changes(),
        unleased: observer.unleased,
        overdue: await observer.overdueFindings(),
        looksAtMs: await observer.looksAtMs(),
        nowMs: Date.now(),
        statedLagMs,
      });
    const served = async () => {
      const { granted, ranOut } = await judge();
      return new Set([...granted, ...ranOut]);
    };
    const lost = await findLost(ground, records, served, settleMs);
    const { replayed, complaints } = await findUnreplayable(everyRun(ground.temporal), code);
    const target = await judge();
    const { unauthorised, double, late } = target;
    const all = [...unauthorised, ...double, ...late, ...lost, ...complaints];
    if (options.keepIn !== undefined && all.length > 0) await keep(options.keepIn, ground, records, all);
    return {
      seed,
      lives: records.length,
      granted: target.granted.size,
      faults: { ...faults, ...countAttacks(records) },
      target,
      seen: { looks: observer.looks, leased: observer.leased.size },
      lost,
      replayed,
      unreplayable: complaints,
      seconds: Math.round((performance.now() - startedMs) / 1_000),
    };
  } finally {
    await observer.stop();
    await ground.close();
  }
}

interface Lived {
  readonly records: readonly LifeRecord[];
  readonly faults: Readonly<Record<string, number>>;
  /** Workflow code that every history must replay on. */
  readonly code: string;
}

async function liveThrough(
  ground: Ground,
  plans: readonly Plan[],
  { seed, calm, inFlight, announce }: FaultsOptions,
): Promise<Lived> {
  const records: LifeRecord[] = [];
  const queue = [...plans];
  const storm = calm ? undefined : new Storm(ground, seed);
  const rollsOut = !calm && plans.length >= ROLL_OUT_FROM;
  const next = rollsOut ? await bundleVariant('next', ground.stateDir) : undefined;
  let rolledOut = 0;
  const lane = async () => {
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift()) {
      records.push(...(await live(ground, plan)));
      if (records.length % 50 === 0) announce(`${records.length} lives lived`);
      if (next !== undefined && rolledOut === 0 && records.length > plans.length / 2) {
        rolledOut = 1;
        await rollOut(ground, next.file, announce);
      }
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(inFlight, plans.length) }, async (_, number) => {
      await sleep(number * 40);
      await lane();
    }),
  );
  await storm?.calm();
  const built = readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8');
  const code = rolledOut > 0 && next !== undefined ? next.code : built;
  return { records, faults: { ...storm?.counts, ...(rolledOut > 0 && { 'new-code': 1 }) }, code };
}

/** Rolls out new workflow code for open requests: all workers at once, like a deployment without versioning. */
async function rollOut(ground: Ground, codeFile: string, announce: (line: string) => void): Promise<void> {
  announce('rolling out new workflow code');
  ground.program = variantWorker({ codeFile });
  for (const name of ['a', 'b'] as const) await ground.killWorker(name);
  for (const name of ['a', 'b'] as const) if (!ground.isRunning(name)) await ground.startWorker(name);
}

function countAttacks(records: readonly LifeRecord[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { attacked, delivered } of records) {
    for (const one of attacked) counts[one] = (counts[one] ?? 0) + 1;
    const flawed = delivered.filter(({ saying }) => saying.flaw !== 'none').length;
    if (flawed > 0) counts['flawed-statements'] = (counts['flawed-statements'] ?? 0) + flawed;
  }
  return counts;
}
