import { setTimeout as sleep } from 'node:timers/promises';
import type { CatalogGrant, Connector, Finding } from '../connectors/contract';
import type { Logger } from '../contracts/logger';
import { isPermanent } from '../database/unavailable';
import { type MetricsSink, NO_METRICS } from '../telemetry/catalogue';
import { atMost } from './at-most';

export interface ReconcilerOptions {
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly intervalMs: number;
  /** What today's catalog has each connector give. Without it, only access that was leased before is checked for drift. */
  readonly governed?: () => Promise<ReadonlyMap<string, readonly CatalogGrant[]>>;
  /** How long past its end a lease is left to the workflow's own timer. Five seconds if absent. */
  readonly graceMs?: number;
  readonly nowMs?: () => number;
  readonly logger: Logger;
  readonly metrics?: MetricsSink;
}

/** Counts what one reconciler has done since it started. A pass is one look at one target. */
export interface ReconcilerCounts {
  passes: number;
  skipped: number;
  failures: number;
  leasesEnded: number;
  driftSeen: number;
  leasesWithoutAccess: number;
  alerts: number;
}

export interface Reconciler {
  readonly counts: Readonly<ReconcilerCounts>;
  /** Looks at every target once, now. */
  pass(): Promise<void>;
  /** Stops after the current look. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;
/** How many leases of one target are ended at a time: as many as its connector has connections. */
const ENDED_AT_ONCE = 4;
/** After this long, retrying is not enough and people are alerted. */
const ALERT_AFTER_MS = 120_000;

/** The context of one look at one target. */
interface Look {
  readonly name: string;
  readonly connector: Connector;
  readonly counts: ReconcilerCounts;
  readonly logger: Logger;
  readonly metrics: MetricsSink;
  readonly graceMs: number;
  readonly nowMs: () => number;
  readonly governed: NonNullable<ReconcilerOptions['governed']>;
  /** Since when targets could not be checked, by name. */
  readonly trouble: Map<string, number>;
}

/**
 * Ends leases past their end whatever became of their workflow, and reports access that no lease accounts for. It runs on its
 * own clock and does not use Temporal, so nobody who can write to the namespace can stop or pause it (EMG-2). A lease
 * outlives its end by at most the interval, the grace and the time of one look. Each target has its own loop, so one that hangs
 * does not delay the others.
 */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const {
    connectors,
    intervalMs,
    logger,
    metrics = NO_METRICS,
    graceMs = GRACE_MS,
    nowMs = Date.now,
  } = options;
  const counts: ReconcilerCounts = {
    passes: 0,
    skipped: 0,
    failures: 0,
    leasesEnded: 0,
    driftSeen: 0,
    leasesWithoutAccess: 0,
    alerts: 0,
  };
  const governed = options.governed ?? (async () => new Map<string, readonly CatalogGrant[]>());
  const trouble = new Map<string, number>();
  const about = { counts, logger, metrics, graceMs, nowMs, governed, trouble };
  const stopping = new AbortController();
  const looks = [...connectors].map(
    ([name, connector]) =>
      () =>
        reconcile({ ...about, name, connector }),
  );
  const loop = async (look: () => Promise<void>) => {
    while (!stopping.signal.aborted) {
      await look();
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = looks.map(loop);
  logger.info({ connectors: [...connectors.keys()], intervalMs }, 'reconciler started');
  return {
    counts,
    pass: async () => void (await Promise.all(looks.map((look) => look()))),
    stop: async () => {
      stopping.abort();
      await Promise.all(running);
      logger.info({ counts }, 'reconciler stopped');
    },
  };
}

/** Looks at one target once. If that fails, the next look retries; other targets are not affected. */
async function reconcile(look: Look): Promise<void> {
  const { name, connector, counts, logger, metrics, trouble, nowMs } = look;
  counts.passes += 1;
  const countLook = (result: string) =>
    metrics.record('countersign_reconciler_looks_total', 1, { connector: name, result });
  try {
    const ran = await connector.withReconcilerLock(async () => {
      await endOverdue(look);
      await endSessions(look);
      await clearLeftBehind(look);
      await findDifferences(look);
    });
    if (!ran) counts.skipped += 1;
    trouble.delete(name);
    countLook(ran ? 'done' : 'skipped');
    const seconds = nowMs() / 1_000;
    if (ran)
      metrics.record('countersign_reconciler_last_look_timestamp_seconds', seconds, { connector: name });
  } catch (error) {
    counts.failures += 1;
    countLook('failed');
    // A target that refuses is not down: people have to mend it, so they are told at once, and then like of any other.
    const isNewRefusal = isPermanent(error) && !trouble.has(name);
    const sinceMs = trouble.get(name) ?? nowMs();
    trouble.set(name, sinceMs);
    const about = { connector: name, reason: reasonOf(error), forMs: nowMs() - sinceMs };
    if (about.forMs < ALERT_AFTER_MS && !isNewRefusal)
      logger.warn(about, 'the target could not be reconciled');
    else {
      counts.alerts += 1;
      logger.error(about, 'ALERT the target cannot be reconciled: access there may outlive its lease');
    }
  }
}

/** Ends leases past their end, each by itself: one that cannot be ended must not keep the others alive. */
async function endOverdue(look: Look): Promise<void> {
  const { name, connector, counts, logger, metrics, graceMs, nowMs } = look;
  await atMost(ENDED_AT_ONCE, await connector.overdue(nowMs() - graceMs), async (lease) => {
    const { id: leaseId, account, grant, expiresAtMs } = lease;
    const about = { connector: name, leaseId, account, lateMs: nowMs() - expiresAtMs };
    try {
      // Record the finding first. Otherwise a crash after the end would leave it out of the evidence.
      await keep(look, { kind: 'overdue', leaseId, account, grant, lateMs: about.lateMs });
      await connector.revoke(leaseId, 'expired', 'overdue');
      counts.leasesEnded += 1;
      metrics.record('countersign_leases_ended_total', 1, { connector: name, cause: 'overdue' });
      const late = { connector: name, by: 'reconciler' };
      metrics.record('countersign_lease_end_lag_seconds', about.lateMs / 1_000, late);
      logger.warn(about, 'overdue lease ended');
    } catch (error) {
      counts.failures += 1;
      const failure = { ...about, reason: reasonOf(error) };
      if (about.lateMs < ALERT_AFTER_MS) logger.warn(failure, 'an overdue lease could not be ended');
      else {
        counts.alerts += 1;
        logger.error(failure, 'ALERT access is alive past its end and could not be taken away');
      }
    }
  });
}

/** Ends sessions that still use access that is over. On a target with sessions, those are access without a lease. */
async function endSessions(look: Look): Promise<void> {
  const { name, connector, counts, logger } = look;
  for (const left of (await connector.endSessions?.()) ?? []) {
    counts.driftSeen += 1;
    counts.alerts += 1;
    await keep(look, { kind: 'drift', ...left });
    logger.error(
      { connector: name, ...left },
      'ALERT sessions have outlived their access and were not ended',
    );
  }
}

/** Has the target look for what holders left behind. What could not be undone is access that can still take effect. */
async function clearLeftBehind({ name, connector, counts, logger, metrics }: Look): Promise<void> {
  for (const left of (await connector.clearLeftBehind?.()) ?? []) {
    counts.alerts += 1;
    metrics.record('countersign_reconciler_findings_total', 1, { connector: name, kind: 'left-behind' });
    logger.error(
      { connector: name, ...left },
      'ALERT a holder left something behind that can still take effect and could not be undone',
    );
  }
}

async function findDifferences(look: Look): Promise<void> {
  const { name, connector, counts, logger, metrics } = look;
  const { leases, drift } = await connector.list('alive', (await look.governed()).get(name));
  const alive = leases.filter(({ ended }) => ended === undefined).length;
  metrics.record('countersign_leases_active', alive, { connector: name });
  for (const access of drift) {
    counts.driftSeen += 1;
    await keep(look, { kind: 'drift', ...access });
    logger.warn({ connector: name, ...access }, 'access without a lease');
  }
  for (const { id: leaseId, calledNow } of leases) {
    if (calledNow === undefined) continue;
    await keep(look, { kind: 'renamed', leaseId, ...calledNow });
    logger.warn(
      { connector: name, leaseId, ...calledNow },
      'what a lease gives has another name now; it ends all the same',
    );
  }
  for (const { id: leaseId, account, grant } of leases.filter(
    (one) => one.ended === undefined && !one.present,
  )) {
    counts.leasesWithoutAccess += 1;
    await keep(look, { kind: 'missing', leaseId, account, grant });
    logger.warn({ connector: name, leaseId, account }, 'lease without access');
  }
}

/** Records a finding. If that fails, the log still has it, and ending access goes on. */
async function keep({ name, connector, logger, metrics }: Look, finding: Finding): Promise<void> {
  metrics.record('countersign_reconciler_findings_total', 1, { connector: name, kind: finding.kind });
  try {
    await connector.findings?.keep(finding);
  } catch (error) {
    logger.warn({ connector: name, ...finding, reason: reasonOf(error) }, 'a finding could not be kept');
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown');
