import { setTimeout as sleep } from 'node:timers/promises';
import { atMost } from '../connectors/at-most';
import type { CatalogGrant, Connector, Finding } from '../connectors/contract';
import { type Recorder, SILENT } from '../telemetry/catalogue';

/** The part of a structured logger that the reconciler uses. */
export interface ReconcilerLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

export interface ReconcilerOptions {
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly intervalMs: number;
  /** What the catalog of this moment has each connector give; only what was leased before is looked at without it. */
  readonly governed?: () => Promise<ReadonlyMap<string, readonly CatalogGrant[]>>;
  /** How long past its end a lease is left to the workflow's own timer. */
  readonly graceMs?: number;
  readonly nowMs?: () => number;
  readonly logger: ReconcilerLog;
  readonly recorder?: Recorder;
}

/** What one reconciler has done since it started. A pass is one look at one target. */
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
  /** Ends after the look that is under way. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;
/** Leases of one target that are ended at a time: as many as its connector has connections. */
const ENDED_AT_ONCE = 4;
/** Trouble that lasts longer than this is for people, not for another try. */
const ALERT_AFTER_MS = 120_000;

/** What one look at one target works with. */
interface Look {
  readonly name: string;
  readonly connector: Connector;
  readonly counts: ReconcilerCounts;
  readonly logger: ReconcilerLog;
  readonly recorder: Recorder;
  readonly graceMs: number;
  readonly nowMs: () => number;
  readonly governed: NonNullable<ReconcilerOptions['governed']>;
  /** Targets that could not be looked at, and since when. */
  readonly trouble: Map<string, number>;
}

/**
 * Ends leases past their end whatever became of their workflow, and reports access that no lease accounts for. It runs
 * on its own clock and knows nothing of Temporal: who can write to the namespace can neither stop nor pause it (EMG-2).
 * A lease outlives its end by the interval and the grace at most, plus the time of one look. Each target is looked at by a
 * loop of its own: one that hangs keeps no other waiting.
 */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { connectors, intervalMs, logger, recorder = SILENT, graceMs = GRACE_MS, nowMs = Date.now } = options;
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
  const about = { counts, logger, recorder, graceMs, nowMs, governed, trouble };
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

/** One look at one target. A target that fails is tried again at the next look; the others go on. */
async function reconcile(look: Look): Promise<void> {
  const { name, connector, counts, logger, recorder, trouble, nowMs } = look;
  counts.passes += 1;
  const looked = (result: string) =>
    recorder.record('countersign_reconciler_looks_total', 1, { connector: name, result });
  try {
    const ran = await connector.withReconcilerLock(async () => {
      await endOverdue(look);
      await endSessions(look);
      await findDifferences(look);
    });
    if (!ran) counts.skipped += 1;
    trouble.delete(name);
    looked(ran ? 'done' : 'skipped');
    const seconds = nowMs() / 1_000;
    if (ran)
      recorder.record('countersign_reconciler_last_look_timestamp_seconds', seconds, { connector: name });
  } catch (error) {
    counts.failures += 1;
    looked('failed');
    const sinceMs = trouble.get(name) ?? nowMs();
    trouble.set(name, sinceMs);
    const about = { connector: name, reason: reasonOf(error), forMs: nowMs() - sinceMs };
    if (about.forMs < ALERT_AFTER_MS) logger.warn(about, 'the target could not be reconciled');
    else {
      counts.alerts += 1;
      logger.error(about, 'ALERT the target cannot be reconciled: access there may outlive its lease');
    }
  }
}

/** Ends what is past its end, each lease for itself: one that cannot be ended must not keep the others alive. */
async function endOverdue(look: Look): Promise<void> {
  const { name, connector, counts, logger, recorder, graceMs, nowMs } = look;
  await atMost(ENDED_AT_ONCE, await connector.overdue(nowMs() - graceMs), async (lease) => {
    const { id: leaseId, account, grant, expiresAtMs } = lease;
    const about = { connector: name, leaseId, account, lateMs: nowMs() - expiresAtMs };
    try {
      // Kept first, for an ending that nobody recorded would be missing from the evidence.
      await keep(look, { kind: 'overdue', leaseId, account, grant, lateMs: about.lateMs });
      await connector.revoke(leaseId, 'expired', 'overdue');
      counts.leasesEnded += 1;
      recorder.record('countersign_leases_ended_total', 1, { connector: name, cause: 'overdue' });
      const late = { connector: name, by: 'reconciler' };
      recorder.record('countersign_lease_end_lag_seconds', about.lateMs / 1_000, late);
      logger.warn(about, 'overdue lease ended');
    } catch (error) {
      counts.failures += 1;
      const told = { ...about, reason: reasonOf(error) };
      if (about.lateMs < ALERT_AFTER_MS) logger.warn(told, 'an overdue lease could not be ended');
      else {
        counts.alerts += 1;
        logger.error(told, 'ALERT access is alive past its end and could not be taken away');
      }
    }
  });
}

/** Sessions that go on with access that is over: on a target that has such, access without a lease. */
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

async function findDifferences(look: Look): Promise<void> {
  const { name, connector, counts, logger, recorder } = look;
  const { leases, drift } = await connector.list('alive', (await look.governed()).get(name));
  const alive = leases.filter(({ ended }) => ended === undefined).length;
  recorder.record('countersign_leases_active', alive, { connector: name });
  for (const found of drift) {
    counts.driftSeen += 1;
    await keep(look, { kind: 'drift', ...found });
    logger.warn({ connector: name, ...found }, 'access without a lease');
  }
  for (const { id: leaseId, account, grant } of leases.filter(
    (one) => one.ended === undefined && !one.present,
  )) {
    counts.leasesWithoutAccess += 1;
    await keep(look, { kind: 'missing', leaseId, account, grant });
    logger.warn({ connector: name, leaseId, account }, 'lease without access');
  }
}

/** What cannot be kept is still in the log, and must not stand in the way of ending access. */
async function keep({ name, connector, logger, recorder }: Look, finding: Finding): Promise<void> {
  recorder.record('countersign_reconciler_findings_total', 1, { connector: name, kind: finding.kind });
  try {
    await connector.findings?.keep(finding);
  } catch (error) {
    logger.warn({ connector: name, ...finding, reason: reasonOf(error) }, 'a finding could not be kept');
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown');
