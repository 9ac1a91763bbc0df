import { setTimeout as sleep } from 'node:timers/promises';
import type { Connector } from '../connectors/contract';
import type { Logger } from '../contracts/logger';
import { LIMITS } from '../domain/limits';
import type { Ledger, OpenGrant } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { type MetricsSink, NO_METRICS } from '../telemetry/catalogue';
import { atMost } from './at-most';
import { LedgerComparison } from './compare';

/** Tells whether people and identities are still active. */
export interface StandingLookup {
  /** Returns undefined if the directory no longer knows them. */
  standingOf(id: PrincipalId, atMs: number): { readonly active: boolean } | undefined;
}

export interface StandingWatchOptions {
  readonly ledger: Ledger;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly directory: () => Promise<StandingLookup>;
  readonly intervalMs: number;
  readonly nowMs?: () => number;
  readonly logger: Logger;
  readonly metrics?: MetricsSink;
}

export interface StandingWatch {
  readonly counts: {
    readonly passes: number;
    readonly grantsEnded: number;
    readonly failures: number;
    /** Grants on connectors that this worker does not have, as of the last pass. */
    readonly orphans: number;
  };
  pass(): Promise<void>;
  stop(): Promise<void>;
}

/** How many grants of one target are ended at a time. */
const ENDED_AT_ONCE = 4;

/**
 * Ends grants whose people or identity are no longer active: a contractor past their end date, a disabled identity, a sponsor
 * who left (FRI-7). Like the reconciler, it runs on its own clock and does not use Temporal. A grant outlives its identity by
 * at most the interval and the time it takes to read a changed directory. A target that hangs does not delay the others: work on
 * it continues beside later passes.
 *
 * It also compares the ledger with the targets, and alerts people if the ledger has open grants on a connector that this worker does not have. If a connector is removed
 * or renamed, nothing is left that would end them (EMG-2).
 */
export function watchStanding(options: StandingWatchOptions): StandingWatch {
  const { intervalMs, logger } = options;
  const counts = { passes: 0, grantsEnded: 0, failures: 0, orphans: 0 };
  const failed = (error: unknown): void => {
    counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    logger.warn({ reason }, 'could not check whether grants still rest on active people');
  };
  const stopping = new AbortController();
  /** Current work, by connector. */
  const working = new Map<string, Promise<void>>();
  const comparison = new LedgerComparison(options);
  const comparing = new Map<string, Promise<void>>();
  const compareAll = () => {
    for (const [name, connector] of options.connectors) {
      if (comparing.has(name)) continue;
      const work = comparison.look(name, connector).catch(failed);
      comparing.set(
        name,
        work.finally(() => comparing.delete(name)),
      );
    }
  };
  const pass = async () => {
    counts.passes += 1;
    try {
      counts.orphans = await reportOrphans(options);
      for (const [name, lost] of await lostByConnector(options)) {
        if (working.has(name)) continue;
        const work = endEach(lost, options, counts, failed).finally(() => working.delete(name));
        working.set(name, work);
      }
      await recordDebts(options);
      compareAll();
    } catch (error) {
      failed(error);
    }
  };
  const settled = async () => void (await Promise.all([...working.values(), ...comparing.values()]));
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await pass();
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    counts,
    pass: () => pass().then(settled),
    stop: async () => {
      stopping.abort();
      await running;
      await settled();
    },
  };
}

/** Records how many reviews are owed, as a metric. */
async function recordDebts({ ledger, metrics, nowMs = Date.now }: StandingWatchOptions): Promise<void> {
  if (metrics === undefined || metrics === NO_METRICS) return;
  const { due, overdue } = await ledger.reviewsOwed(nowMs());
  metrics.record('countersign_reviews_owed', due, { phase: 'due' });
  metrics.record('countersign_reviews_owed', overdue, { phase: 'overdue' });
}

/** Alerts people to grants on unknown connectors, also to those past their end: nothing here has ended them. */
async function reportOrphans({ ledger, connectors, logger, nowMs = Date.now }: StandingWatchOptions) {
  const grants = await ledger.openGrants(nowMs() - LIMITS.grantMs);
  const orphans = grants.filter(({ connector }) => !connectors.has(connector));
  for (const name of new Set(orphans.map(({ connector }) => connector))) {
    const requests = orphans.filter(({ connector }) => connector === name).map(({ request }) => request);
    logger.error(
      { connector: name, grants: requests.length, leaseIds: requests.slice(0, 10) },
      'ALERT grants are open on a connector that this worker does not have, so it cannot end them',
    );
  }
  return orphans.length;
}

/** A grant, and the party to it who is no longer active. */
interface Lost {
  readonly grant: OpenGrant;
  readonly principal: PrincipalId;
}

async function lostByConnector(options: StandingWatchOptions): Promise<ReadonlyMap<string, readonly Lost[]>> {
  const { ledger, directory, connectors, nowMs = Date.now } = options;
  const atMs = nowMs();
  const [grants, people] = [await ledger.openGrants(atMs), await directory()];
  const lost = new Map<string, Lost[]>();
  for (const grant of grants) {
    const principal = grant.parties.find((id) => people.standingOf(id, atMs)?.active !== true);
    if (principal === undefined || !connectors.has(grant.connector)) continue;
    const others = lost.get(grant.connector) ?? [];
    lost.set(grant.connector, [...others, { grant, principal }]);
  }
  return lost;
}

/** Ends grants, each by itself: one that cannot be ended must not keep the others alive. */
async function endEach(
  lost: readonly Lost[],
  { ledger, connectors, logger, metrics = NO_METRICS, nowMs = Date.now }: StandingWatchOptions,
  counts: { grantsEnded: number },
  failed: (error: unknown) => void,
): Promise<void> {
  await atMost(ENDED_AT_ONCE, lost, async ({ grant: { request, connector }, principal }) => {
    try {
      await connectors.get(connector)?.revoke(request, 'revoked', 'standing_lost');
      await ledger.over(request, nowMs());
      counts.grantsEnded += 1;
      metrics.record('countersign_leases_ended_total', 1, { connector, cause: 'standing' });
      logger.warn(
        { leaseId: request, principal },
        'grant ended, because someone it rests on is no longer active',
      );
    } catch (error) {
      failed(error);
    }
  });
}
