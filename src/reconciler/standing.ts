import { setTimeout as sleep } from 'node:timers/promises';
import { atMost } from '../connectors/at-most';
import type { Connector } from '../connectors/contract';
import { LIMITS } from '../domain/limits';
import type { Ledger, OpenGrant } from '../domain/precedents';
import type { PrincipalId } from '../domain/principal';
import { type Recorder, SILENT } from '../telemetry/catalogue';
import type { ReconcilerLog } from './reconciler';

/** Who someone is at that moment; absent where the directory does not know them any more. */
export interface StandingBook {
  standingOf(id: PrincipalId, atMs: number): { readonly active: boolean } | undefined;
}

export interface StandingWatchOptions {
  readonly ledger: Ledger;
  readonly connectors: ReadonlyMap<string, Connector>;
  readonly directory: () => Promise<StandingBook>;
  readonly intervalMs: number;
  readonly nowMs?: () => number;
  readonly logger: ReconcilerLog;
  readonly recorder?: Recorder;
}

export interface StandingWatch {
  readonly counts: {
    readonly passes: number;
    readonly grantsEnded: number;
    readonly failures: number;
    /** Grants seen, at the last pass, on connectors that this worker has not. */
    readonly orphans: number;
  };
  pass(): Promise<void>;
  stop(): Promise<void>;
}

/** Grants of one target that are ended at a time. */
const ENDED_AT_ONCE = 4;

/**
 * Ends grants whose people or identity have ended: a contractor past their date, an identity that was disabled, a
 * sponsor who has left (FRI-7). Like the reconciler it runs on its own clock and knows nothing of Temporal. A grant
 * outlives its identity by the interval at most, plus the time that a changed directory takes to be read. A target that
 * hangs keeps no other waiting: what is under way there goes on beside later passes.
 *
 * It also calls people where the ledger has open grants on a connector that this worker has not, for a connector that was
 * removed or renamed takes along what would have ended them (EMG-2).
 */
export function watchStanding(options: StandingWatchOptions): StandingWatch {
  const { intervalMs, logger } = options;
  const counts = { passes: 0, grantsEnded: 0, failures: 0, orphans: 0 };
  const failed = (error: unknown): void => {
    counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    logger.warn({ reason }, 'standing of grants could not be looked at');
  };
  const stopping = new AbortController();
  /** What is under way, by connector. */
  const working = new Map<string, Promise<void>>();
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
    } catch (error) {
      failed(error);
    }
  };
  const settled = async () => void (await Promise.all(working.values()));
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

/** Reviews that are owed, for whoever watches: nobody can be asked for what nobody sees. */
async function recordDebts({ ledger, recorder, nowMs = Date.now }: StandingWatchOptions): Promise<void> {
  if (recorder === undefined || recorder === SILENT) return;
  const { due, overdue } = await ledger.reviewsOwed(nowMs());
  recorder.record('countersign_reviews_owed', due, { phase: 'due' });
  recorder.record('countersign_reviews_owed', overdue, { phase: 'overdue' });
}

/** Those past their end are looked at too, for as long as a grant can last: nothing here has ended them. */
async function reportOrphans({ ledger, connectors, logger, nowMs = Date.now }: StandingWatchOptions) {
  const grants = await ledger.openGrants(nowMs() - LIMITS.grantMs);
  const orphans = grants.filter(({ connector }) => !connectors.has(connector));
  for (const name of new Set(orphans.map(({ connector }) => connector))) {
    const requests = orphans.filter(({ connector }) => connector === name).map(({ request }) => request);
    logger.error(
      { connector: name, grants: requests.length, leaseIds: requests.slice(0, 10) },
      'ALERT grants are open on a connector that this worker has not: it cannot end them',
    );
  }
  return orphans.length;
}

/** A grant and the one of its parties who is nobody any more. */
interface Lost {
  readonly grant: OpenGrant;
  readonly principal: PrincipalId;
}

async function lostByConnector(options: StandingWatchOptions): Promise<ReadonlyMap<string, readonly Lost[]>> {
  const { ledger, directory, connectors, nowMs = Date.now } = options;
  const atMs = nowMs();
  const [grants, book] = [await ledger.openGrants(atMs), await directory()];
  const lost = new Map<string, Lost[]>();
  for (const grant of grants) {
    const principal = grant.parties.find((id) => book.standingOf(id, atMs)?.active !== true);
    if (principal === undefined || !connectors.has(grant.connector)) continue;
    const others = lost.get(grant.connector) ?? [];
    lost.set(grant.connector, [...others, { grant, principal }]);
  }
  return lost;
}

/** One that cannot be ended keeps no other alive. */
async function endEach(
  lost: readonly Lost[],
  { ledger, connectors, logger, recorder = SILENT, nowMs = Date.now }: StandingWatchOptions,
  counts: { grantsEnded: number },
  failed: (error: unknown) => void,
): Promise<void> {
  await atMost(ENDED_AT_ONCE, lost, async ({ grant: { request, connector }, principal }) => {
    try {
      await connectors.get(connector)?.revoke(request, 'revoked', 'standing_lost');
      await ledger.over(request, nowMs());
      counts.grantsEnded += 1;
      recorder.record('countersign_leases_ended_total', 1, { connector, cause: 'standing' });
      logger.warn({ leaseId: request, principal }, 'grant ended with the identity it rests on');
    } catch (error) {
      failed(error);
    }
  });
}
