import { setTimeout as sleep } from 'node:timers/promises';
import { Runtime } from '@temporalio/worker';
import { checkTarget } from '../test/faults/check';
import { Ground } from '../test/faults/ground';
import { Observer } from '../test/faults/observer';
import { type Plan, planLife } from '../test/faults/plan';
import { benchOptions } from './options';
import { quietLogger } from './quiet';
import { quantile } from './stats';

const { json, count } = benchOptions('same minute', {
  grants: { otherwise: 1_000, least: 1, most: 100_000 },
  'in-flight': { otherwise: 40, least: 1, most: 1_000 },
  // From the first request to the first end, long enough for all to be granted.
  'lead-seconds': { otherwise: 150, least: 1, most: 3_600 },
});
const GRANTS = count('grants');
const LEAD_MS = count('lead-seconds') * 1_000;
const MINUTE_MS = 60_000;
/** The requesters. Each asks many times, so that their leases overlap too. */
const REQUESTERS = 50;
const STATED_LAG_MS = 32_000;

/**
 * Makes grants that all end in the same minute, on a real Temporal server and a real PostgreSQL. Reports whether all are gone, and how
 * late each was, by the target's own record.
 */
async function main(): Promise<void> {
  Runtime.install({ logger: quietLogger });
  const plans = Array.from(
    { length: REQUESTERS },
    (_, index): Plan => ({
      ...planLife(0, index, true),
      kind: 'read',
      overlaps: false,
    }),
  );
  const ground = await Ground.prepare(plans);
  const observer = await Observer.start(ground.postgres.url);
  try {
    await ground.startWorkers(['a']);
    const firstEndMs = Date.now() + LEAD_MS;
    let submitted = 0;
    const lane = async () => {
      for (let number = submitted++; number < GRANTS; number = submitted++) {
        const plan = plans[number % REQUESTERS];
        if (plan === undefined) throw new Error('nobody asks');
        // Spread evenly over the minute.
        const endsAtMs = firstEndMs + (number / GRANTS) * MINUTE_MS;
        const request = ground.cast.request({ ...plan, durationMs: Math.round(endsAtMs - Date.now()) });
        await ground.client.submit(await ground.cast.submission(plan, request));
      }
    };
    await Promise.all(Array.from({ length: count('in-flight') }, lane));
    process.stderr.write(
      `same minute: ${GRANTS} asked, ${Math.round((firstEndMs - Date.now()) / 1_000)} s before the first ends\n`,
    );
    await sleep(Math.max(0, firstEndMs + MINUTE_MS - Date.now()) + 10_000);
    let alive = GRANTS;
    for (let tries = 0; tries < 60 && alive > 0; tries += 1) {
      const [row] = await ground.postgres.query(
        'SELECT count(*) AS alive FROM countersign.lease WHERE ended_at_ms IS NULL',
      );
      alive = Number(row?.['alive']);
      await sleep(1_000);
    }
    await report(ground, observer, alive);
  } finally {
    await observer.stop();
    await ground.close();
  }
}

async function report(ground: Ground, observer: Observer, alive: number): Promise<void> {
  const { granted, lagsMs } = checkTarget([], {
    changes: await observer.changes(),
    unleased: [],
    overdue: await observer.overdueFindings(),
    looksAtMs: await observer.looksAtMs(),
    nowMs: Date.now(),
    statedLagMs: STATED_LAG_MS,
  });
  const members = await ground.postgres.query(
    "SELECT 1 FROM pg_auth_members WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = 'reporting_read')",
  );
  const all = [...lagsMs.timer, ...lagsMs.reconciler].sort((a, b) => a - b);
  const spread = (lags: readonly number[]) => ({
    count: lags.length,
    p50: Math.round(quantile(lags, 0.5)),
    p99: Math.round(quantile(lags, 0.99)),
    max: Math.round(lags.at(-1) ?? Number.NaN),
  });
  const figures = {
    grants: granted.size,
    alive,
    accounts_with_access: members.length,
    lag_ms: spread(all),
    lag_by_timer_ms: spread(lagsMs.timer),
    lag_by_reconciler_ms: spread(lagsMs.reconciler),
  };
  process.stdout.write(`${json ? JSON.stringify(figures) : JSON.stringify(figures, undefined, 2)}\n`);
  if (alive > 0 || members.length > 0 || granted.size < GRANTS) process.exitCode = 1;
}

void main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`same minute: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
