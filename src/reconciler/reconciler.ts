import { setTimeout as sleep } from 'node:timers/promises';
import type { Connector } from '../connectors/contract';

/** The part of a structured logger that the reconciler uses. */
export interface ReconcilerLog {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

export interface ReconcilerOptions {
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly intervalMs: number;
  /** How long past its end a lease is left to the workflow's own timer. */
  readonly graceMs?: number;
  readonly nowMs?: () => number;
  readonly logger: ReconcilerLog;
}

/** What one reconciler has done since it started. */
export interface ReconcilerCounts {
  passes: number;
  skipped: number;
  failures: number;
  leasesEnded: number;
  driftSeen: number;
  leasesWithoutAccess: number;
}

export interface Reconciler {
  readonly counts: Readonly<ReconcilerCounts>;
  /** Looks at every target once, now. */
  pass(): Promise<void>;
  /** Ends after the look that is under way. */
  stop(): Promise<void>;
}

const GRACE_MS = 5_000;

/**
 * Ends leases past their end whatever became of their workflow, and reports access that no lease accounts for. It runs
 * on its own clock and knows nothing of Temporal: who can write to the namespace can neither stop nor pause it (EMG-2).
 * A lease outlives its end by the interval and the grace at most, plus the time of one look.
 */
export function startReconciler(options: ReconcilerOptions): Reconciler {
  const { connectors, intervalMs, logger } = options;
  const counts: ReconcilerCounts = {
    passes: 0,
    skipped: 0,
    failures: 0,
    leasesEnded: 0,
    driftSeen: 0,
    leasesWithoutAccess: 0,
  };
  const stopping = new AbortController();
  const pass = async () => {
    counts.passes += 1;
    await Promise.all(
      [...connectors].map(([name, connector]) => reconcile(name, connector, options, counts)),
    );
  };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await pass();
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  logger.info({ connectors: [...connectors.keys()], intervalMs }, 'reconciler started');
  return {
    counts,
    pass,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** One look at one target. A target that fails is tried again at the next look; the others go on. */
async function reconcile(
  name: string,
  connector: Connector,
  { graceMs = GRACE_MS, nowMs = Date.now, logger }: ReconcilerOptions,
  counts: ReconcilerCounts,
): Promise<void> {
  try {
    const ran = await connector.withReconcilerLock(async () => {
      for (const lease of await connector.overdue(nowMs() - graceMs)) {
        await connector.revoke(lease.id, 'expired');
        counts.leasesEnded += 1;
        const lateMs = nowMs() - lease.expiresAtMs;
        logger.warn(
          { connector: name, leaseId: lease.id, account: lease.account, lateMs },
          'overdue lease ended',
        );
      }
      const { leases, drift } = await connector.list();
      for (const found of drift) {
        counts.driftSeen += 1;
        logger.warn({ connector: name, ...found }, 'access without a lease');
      }
      for (const lease of leases.filter((one) => one.ended === undefined && !one.present)) {
        counts.leasesWithoutAccess += 1;
        logger.warn({ connector: name, leaseId: lease.id, account: lease.account }, 'lease without access');
      }
    });
    if (!ran) counts.skipped += 1;
  } catch (error) {
    counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    logger.warn({ connector: name, reason }, 'the target could not be reconciled');
  }
}
