import { setTimeout as sleep } from 'node:timers/promises';
import type { Connector } from '../connectors/contract';
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
  readonly counts: { readonly passes: number; readonly grantsEnded: number; readonly failures: number };
  pass(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Ends grants whose people or identity have ended: a contractor past their date, an identity that was disabled, a
 * sponsor who has left (FRI-7). Like the reconciler it runs on its own clock and knows nothing of Temporal. A grant
 * outlives its identity by the interval at most, plus the time that a changed directory takes to be read.
 */
export function watchStanding(options: StandingWatchOptions): StandingWatch {
  const { intervalMs, logger, recorder = SILENT } = options;
  const counts = { passes: 0, grantsEnded: 0, failures: 0 };
  const failed = (error: unknown): false => {
    counts.failures += 1;
    const reason = error instanceof Error ? error.message : 'unknown';
    logger.warn({ reason }, 'standing of grants could not be looked at');
    return false;
  };
  const stopping = new AbortController();
  const pass = async () => {
    counts.passes += 1;
    try {
      for (const { grant, principal } of await grantsWithoutStanding(options)) {
        // One target that is down keeps no other grant alive.
        const ended = await end(grant, options).catch((error: unknown) => failed(error));
        if (!ended) continue;
        counts.grantsEnded += 1;
        recorder.record('countersign_leases_ended_total', 1, {
          connector: grant.connector,
          cause: 'standing',
        });
        logger.warn({ leaseId: grant.request, principal }, 'grant ended with the identity it rests on');
      }
      await recordDebts(options);
    } catch (error) {
      failed(error);
    }
  };
  const loop = async () => {
    while (!stopping.signal.aborted) {
      await pass();
      await sleep(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const running = loop();
  return {
    counts,
    pass,
    stop: async () => {
      stopping.abort();
      await running;
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

async function grantsWithoutStanding({ ledger, directory, nowMs = Date.now }: StandingWatchOptions) {
  const atMs = nowMs();
  const [grants, book] = [await ledger.openGrants(atMs), await directory()];
  return grants.flatMap((grant) => {
    const principal = grant.parties.find((id) => book.standingOf(id, atMs)?.active !== true);
    return principal === undefined ? [] : [{ grant, principal }];
  });
}

async function end(
  { request, connector: name }: OpenGrant,
  { ledger, connectors, nowMs = Date.now }: StandingWatchOptions,
): Promise<boolean> {
  const connector = connectors.get(name);
  if (connector === undefined) return false;
  await connector.revoke(request, 'revoked', 'standing_lost');
  await ledger.over(request, nowMs());
  return true;
}
