import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOW_BUNDLE_FILE } from '../../src/project';
import { BREAKAGES, type Breakage, brokenWorker } from './breakage';
import { selfOf } from './cast';
import { checkTarget } from './check';
import { Ground } from './ground';
import { type LifeRecord, live } from './live';
import { Observer } from './observer';
import { type Plan, planLife, type Saying } from './plan';
import { everyRun, findLost, findUnreplayable } from './workflows-seen';

/** Counts of one run, by the names of the report. */
export type Counts = Readonly<Record<(typeof BREAKAGES)[Breakage], number>>;

const LIVES_EACH = 4;
const GRANT_MS = 900;
/** Nothing is down in these runs, so there is no excuse for being late. */
const STATED_LAG_MS = 4_000;
const NONE = 'none';

/**
 * Breaks each promise for a few plain lives and counts what the checker finds among them, and among as many lives for which
 * nothing is broken. If a count stays at zero although its promise was broken, that check is
 * worthless.
 */
export async function runBreakages(): Promise<Readonly<Record<string, Counts>>> {
  const names = [NONE, ...Object.keys(BREAKAGES)];
  const plans = names.map((name, number) => plansFor(name, number * LIVES_EACH));
  const ground = await Ground.prepare(plans.flat());
  const observer = await Observer.start(ground.postgres.url);
  try {
    ground.program = await brokenWorker(ground.stateDir);
    await ground.startWorkers(['a']);
    const lived = await Promise.all(
      plans.map(async (some) => (await Promise.all(some.map((plan) => live(ground, plan)))).flat()),
    );
    await sleep(GRANT_MS + STATED_LAG_MS);
    const found: Record<string, Counts> = {};
    for (const [number, name] of names.entries())
      found[name] = await countIn(ground, observer, lived[number] ?? []);
    return found;
  } finally {
    await observer.stop();
    await ground.close();
  }
}

/** Returns what the checker reports about these lives only. */
async function countIn(ground: Ground, observer: Observer, records: readonly LifeRecord[]): Promise<Counts> {
  const ids = new Set(records.map(({ request }) => request.id));
  const accounts = new Set(records.map(({ plan }) => selfOf(plan).account));
  const changes = (await observer.changes()).filter(({ before, after }) =>
    ids.has((after ?? before)?.lease_id ?? ''),
  );
  const { unauthorised, double, late, granted } = checkTarget(records, {
    changes,
    unleased: observer.unleased.filter(({ account }) => accounts.has(account)),
    overdue: await observer.overdueFindings(),
    looksAtMs: await observer.looksAtMs(),
    nowMs: Date.now(),
    statedLagMs: STATED_LAG_MS,
  });
  const lost = await findLost(ground, records, async () => granted, 0);
  const code = readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8');
  const { complaints } = await findUnreplayable(everyRun(ground.temporal, ids), code);
  return {
    unauthorised_grants: unauthorised.length,
    double_grants: double.length,
    late_grants: late.length,
    lost_requests: lost.length,
    unreplayable_histories: complaints.length,
  };
}

/** Half of them approved, half of them denied. */
function plansFor(name: string, first: number): readonly Plan[] {
  return Array.from({ length: LIVES_EACH }, (_, number) => {
    const isDenied = number >= LIVES_EACH / 2;
    return {
      ...planLife(0, first + number, true),
      kind: 'write',
      course: isDenied ? 'deny-first' : 'approve',
      durationMs: GRANT_MS,
      sayings: isDenied
        ? [say('person/tomas', 'deny', 200), say('person/mira', 'approve', 500)]
        : [say('person/mira', 'approve', 300)],
      attacks: [],
      overlaps: false,
      ...(name !== NONE && { idPrefix: `${name}-` }),
    };
  });
}

function say(by: string, verb: Saying['verb'], afterMs: number): Saying {
  return { afterMs, by, verb, revision: 0, via: 'update', flaw: 'none', doubled: false };
}
