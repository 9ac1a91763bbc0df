import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { WORKFLOW_BUNDLE_FILE } from '../../../src/project';
import { freePort } from '../../../src/stack/free-port';
import { type Complaint, checkTarget, type TargetVerdict } from '../check';
import { Ground, STATED_LAG_MS, type WorkerName } from '../ground';
import { keep } from '../keepsake';
import { type LifeRecord, live } from '../live';
import { Observer } from '../observer';
import type { Plan } from '../plan';
import { Random } from '../random';
import { Storm } from '../storm';
import type { WorkerProgram } from '../worker-program';
import { everyRun, findLost, findUnreplayable } from '../workflows-seen';
import { allOf, type CohortSizes, type Cohorts, planCohorts } from './cohorts';
import { decisionsIn } from './decisions';
import { type VerifiedEvidence, verifyArchive } from './evidence';
import { Gateways } from './gateways';

export interface UpgradeOptions extends CohortSizes {
  readonly seed: number;
  /** Folder of the version that runs first. */
  readonly earlier: string;
  /** How long each mix of versions lasts, besides what replacing takes. */
  readonly mixedMs: number;
  /** Folder for the histories of complaints. */
  readonly keepIn?: string;
  readonly announce: (line: string) => void;
}

export interface UpgradeReport {
  readonly seed: number;
  /** How many waited and how many had access when the upgrade began. */
  readonly waiting: number;
  readonly alive: number;
  readonly requests: number;
  /** Of those that waited, how many people decided while versions were mixed, and how many after it. */
  readonly decided: { readonly meanwhile: number; readonly after: number };
  readonly mixedSeconds: number;
  readonly setUpTries: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly gatewayAnswers: { readonly earlier: number; readonly present: number };
  readonly target: TargetVerdict;
  readonly lost: readonly Complaint[];
  readonly undecided: readonly Complaint[];
  readonly replayed: number;
  readonly unreplayable: readonly Complaint[];
  readonly evidence: VerifiedEvidence;
  readonly seconds: number;
}

const PRESENT = path.resolve(__dirname, '../../../src/cli/main.js');
/** Longer than all requests take until they stand. */
const SHORTEST_GRANT_MS = 60_000;
const GATEWAYS = 2;
const WORKERS: readonly WorkerName[] = ['a', 'b'];
const SETTLES_WITHIN_MS = 150_000;
const READY_WITHIN_MS = 120_000;
/** People try again for as long as an upgrade may take. */
const PATIENCE_MS = 240_000;

/** Brings a running installation from an earlier version to this one during a storm of faults, and checks the outcome. */
export async function runUpgrade(options: UpgradeOptions): Promise<UpgradeReport> {
  const { seed, announce, earlier } = options;
  const startedMs = performance.now();
  const cohorts = planCohorts(seed, options, SHORTEST_GRANT_MS);
  const plans = allOf(cohorts);
  const ground = await Ground.prepare(plans, 'postgresql', path.join(earlier, 'policies'));
  const observer = await Observer.start(ground.postgres.url, ground.watched);
  const archive = path.join(ground.stateDir, 'archive');
  const archiving = { COUNTERSIGN_ARCHIVE: archive, COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS: '5' };
  const earlierMain = path.join(earlier, 'dist/src/cli/main.js');
  let gateways: Gateways | undefined;
  try {
    ground.program = { file: earlierMain, args: ['worker'], env: archiving };
    await ground.startWorkers();
    gateways = await Gateways.start(ground, GATEWAYS, earlierMain);
    const course = new Course(ground, gateways, options, archiving);
    const records = await course.run(cohorts);
    announce('checking');
    const judge = async () =>
      checkTarget(records, {
        changes: await observer.changes(),
        unleased: observer.unleased,
        overdue: await observer.overdueFindings(),
        looksAtMs: await observer.looksAtMs(),
        nowMs: Date.now(),
        statedLagMs: STATED_LAG_MS,
      });
    const served = async () => {
      const { granted, ranOut } = await judge();
      return new Set([...granted, ...ranOut]);
    };
    const lost = await findLost(ground, records, served, SETTLES_WITHIN_MS);
    const code = readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8');
    const { replayed, complaints: unreplayable } = await findUnreplayable(everyRun(ground.temporal), code);
    const unarchived = await ourCommand(ground, ['audit', 'archive'], archiving).then(
      () => [],
      (error: Error) => [`audit archive: ${error.message}`],
    );
    const verified = await verifyArchive(archive);
    const evidence = { ...verified, complaints: [...verified.complaints, ...unarchived] };
    const target = await judge();
    const { undecided, meanwhile, after } = decisionsIn(records, cohorts, target.granted);
    const all = [
      ...[target.unauthorised, target.double, target.late, lost, undecided],
      ...[unreplayable, evidence.complaints],
    ].flat();
    if (options.keepIn !== undefined && all.length > 0) await keep(options.keepIn, ground, records, all);
    return {
      seed,
      ...course.before,
      requests: records.length,
      decided: { meanwhile, after },
      mixedSeconds: Math.round(course.mixedMs / 1_000),
      setUpTries: course.setUpTries,
      faults: course.faults,
      gatewayAnswers: {
        earlier: gateways.answers.get(earlierMain) ?? 0,
        present: gateways.answers.get(PRESENT) ?? 0,
      },
      ...{ target, lost, undecided, replayed, unreplayable, evidence },
      seconds: Math.round((performance.now() - startedMs) / 1_000),
    };
  } finally {
    await gateways?.stop();
    await observer.stop();
    await ground.close();
  }
}

/** What happens, in order. */
class Course {
  before = { waiting: 0, alive: 0 };
  mixedMs = 0;
  setUpTries = 0;
  faults: Record<string, number> = {};
  readonly #mixed = signal();
  readonly #upgraded = signal();

  constructor(
    private readonly ground: Ground,
    private readonly gateways: Gateways,
    private readonly options: UpgradeOptions,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  async run(cohorts: Cohorts): Promise<readonly LifeRecord[]> {
    const { ground, options } = this;
    const { announce, seed } = options;
    const lives = [
      ...this.#begin(cohorts.decidedMeanwhile, this.#mixed.comes),
      ...this.#begin([...cohorts.decidedAfter, ...cohorts.revoked], this.#upgraded.comes),
      ...this.#begin(cohorts.ending),
    ];
    await this.#untilAllStand(options);
    announce(`${this.before.waiting} wait and ${this.before.alive} have access; the storm begins`);
    const storm = new Storm(ground, seed);
    const stopping = new AbortController();
    const striking = this.#strikeGateways(stopping.signal);
    try {
      const startedMs = performance.now();
      lives.push(...this.#arrive(cohorts.arriving));
      this.#mixed.come();
      await this.#upgrade();
      this.mixedMs = performance.now() - startedMs;
      announce('everything runs this version; the storm goes on');
      this.#upgraded.come();
      await sleep(Math.max(15_000, options.mixedMs));
    } finally {
      stopping.abort();
      await striking;
      await storm.calm();
      this.faults = { ...storm.counts, ...this.faults };
    }
    announce('the storm is over; waiting for the last statements');
    return (await Promise.all(lives)).flat();
  }

  #begin(plans: readonly Plan[], until?: Promise<unknown>): Promise<readonly LifeRecord[]>[] {
    return plans.map((plan) => this.#live(plan, until));
  }

  /** New requests, one after another over the whole upgrade. */
  #arrive(plans: readonly Plan[]): Promise<readonly LifeRecord[]>[] {
    const everyMs = (6 * this.options.mixedMs) / Math.max(1, plans.length);
    return plans.map(async (plan, number) => {
      await sleep(number * everyMs);
      return this.#live(plan);
    });
  }

  #live(plan: Plan, until?: Promise<unknown>): Promise<readonly LifeRecord[]> {
    const carrier = this.gateways;
    return live(this.ground, plan, { carrier, patienceMs: PATIENCE_MS, ...(until && { until }) });
  }

  async #untilAllStand({ waiting, held }: CohortSizes): Promise<void> {
    for (const untilMs = Date.now() + READY_WITHIN_MS; ; await sleep(500)) {
      const counts = { waiting: 0, alive: 0 };
      for (const row of await this.ground.client.list({ limit: 1_000 }))
        if (row.status === 'awaiting_approval') counts.waiting += 1;
        else if (row.status === 'active') counts.alive += 1;
      this.before = counts;
      if (counts.waiting === waiting && counts.alive === held) return;
      if (Date.now() > untilMs)
        throw new Error(
          `before the upgrade ${counts.waiting} of ${waiting} wait, and ${counts.alive} of ${held} have access`,
        );
    }
  }

  /** The steps of docs/operate/upgrade.md, from 6 on. */
  async #upgrade(): Promise<void> {
    const { ground, gateways } = this;
    const { announce, mixedMs } = this.options;
    await sleep(mixedMs);
    announce('bringing the tables up to date');
    for (this.setUpTries = 1; ; this.setUpTries += 1)
      try {
        await ourCommand(ground, ['setup', 'database'], {});
        break;
      } catch (error) {
        // A database that a fault took away is back soon.
        if (this.setUpTries === 20) throw error;
        await sleep(1_000);
      }
    await sleep(mixedMs);
    for (const name of WORKERS) {
      announce(`replacing worker ${name}`);
      const port = await freePort();
      const env = { ...this.settings, COUNTERSIGN_HEALTH_PORT: String(port) };
      const program: WorkerProgram = { file: PRESENT, args: ['worker'], env };
      await ground.replaceWorker(name, program);
      await untilReady(`worker ${name}`, port);
      await sleep(mixedMs);
    }
    for (let number = 0; number < GATEWAYS; number += 1) {
      announce(`replacing gateway ${number + 1}`);
      await gateways.replace(number, PRESENT);
      await sleep(mixedMs);
    }
  }

  async #strikeGateways(stopping: AbortSignal): Promise<void> {
    const random = new Random(this.options.seed, 'gateways');
    for (;;) {
      await sleep(random.between(4_000, 10_000), undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) return;
      await this.gateways.strike(random.between(0, GATEWAYS - 1));
      this.faults['gateway-killed'] = (this.faults['gateway-killed'] ?? 0) + 1;
    }
  }
}

/** Waits for `/readyz` of a worker. A storm takes its server away again and again, so it has time. */
async function untilReady(what: string, port: number): Promise<void> {
  for (const untilMs = Date.now() + READY_WITHIN_MS; ; await sleep(100)) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
      signal: AbortSignal.timeout(2_000),
    }).catch(() => undefined);
    if (answer?.ok) return;
    if (Date.now() > untilMs) throw new Error(`${what} of this version did not become ready`);
  }
}

/** Runs a command of this version. @throws Error with what it says if it fails */
async function ourCommand(ground: Ground, args: readonly string[], env: Readonly<Record<string, string>>) {
  const about = { env: { ...ground.environment(), ...env }, timeout: 120_000 };
  await promisify(execFile)(process.execPath, [PRESENT, ...args], about);
}

function signal() {
  let come = (): void => undefined;
  const comes = new Promise<void>((resolve) => {
    come = resolve;
  });
  return { comes, come };
}
