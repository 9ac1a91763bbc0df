import { readFileSync } from 'node:fs';
import type { NativeConnection, Worker } from '@temporalio/worker';
import type { Connector, ProvisionResult } from '../src/connectors/contract';
import { PostgresqlConnector } from '../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../src/contracts/logger';
import { workflowIdOf } from '../src/contracts/names';
import { PostgresqlLedger } from '../src/ledger';
import { createBundleSource, FileTicketSource } from '../src/policy';
import { createWorker } from '../src/worker';
import { taskQueueOf } from './countersign-side';
import type { WorkerPlace } from './side';
import type { SpanNotes } from './span-notes';

/** A worker of Countersign, and what has to be closed after it. */
export interface OpenWorker {
  readonly worker: Worker;
  close(): Promise<void>;
}

/** Learns of each grant, and of when its parts began and ended if there are notes. */
export interface Observer {
  readonly report: (id: string) => void;
  readonly notes: SpanNotes | undefined;
}

/** Creates the worker: with a real PostgreSQL as target if it has the address of one, otherwise with a target that does nothing. */
export async function countersignWorker(
  { bundleDir, side, workflowFile, postgresUrl, withLedger = false, inThread }: WorkerPlace,
  connection: NativeConnection,
  { report, notes }: Observer,
): Promise<OpenWorker> {
  const tickets = new FileTicketSource(undefined);
  const bundles = await createBundleSource(bundleDir, { tickets, logger: SILENT_LOGGER });
  const target = postgresUrl === undefined ? new NoTarget() : new PostgresqlConnector({ url: postgresUrl });
  const ledger =
    postgresUrl !== undefined && withLedger ? new PostgresqlLedger({ url: postgresUrl }) : undefined;
  const worker = await createWorker({
    connection,
    namespace: 'default',
    taskQueue: taskQueueOf(side === 'countersign' ? side : 'countersign_postgresql'),
    bundles: notes === undefined ? bundles : notes.policyOf(bundles),
    workflowBundle: { code: readFileSync(workflowFile, 'utf8') },
    connectors: new Map([['warehouse', watch(target, report, notes)]]),
    ...(ledger && { ledger }),
    ...(notes && { tracing: notes.tracing() }),
    maxCachedWorkflows: 5_000,
    debugMode: inThread,
  });
  return {
    worker,
    close: async () => {
      await target.close();
      await ledger?.close();
    },
  };
}

/** A connector that only says that it gave access. */
class NoTarget implements Connector {
  overdue = async () => [];
  list = async () => ({ leases: [], drift: [] });
  withReconcilerLock = async () => false;
  close = async () => undefined;
  revoke = async () => ({ accessRemoved: true });

  async provision({ terms }: Parameters<Connector['provision']>[0]): Promise<ProvisionResult> {
    const grantedAtMs = Date.now();
    const { leaseId: id, durationMs, binding } = terms;
    const lease = { id, account: binding.account, grantedAtMs, expiresAtMs: grantedAtMs + durationMs };
    return { outcome: 'granted', lease };
  }
}

/** The connector itself, reporting when it has given access. */
function watch(target: Connector, report: (id: string) => void, notes: SpanNotes | undefined): Connector {
  return {
    overdue: (atMs) => target.overdue(atMs),
    list: (scope, governed) => target.list(scope, governed),
    withReconcilerLock: (work) => target.withReconcilerLock(work),
    revoke: (leaseId, reason, cause) => target.revoke(leaseId, reason, cause),
    close: () => target.close(),
    provision: async (authorisation) => {
      const { leaseId } = authorisation.terms;
      const act = () => target.provision(authorisation);
      const outcome = await (notes?.span(workflowIdOf(leaseId), 'target', act) ?? act());
      if (outcome.outcome === 'granted') report(leaseId);
      return outcome;
    },
  };
}
