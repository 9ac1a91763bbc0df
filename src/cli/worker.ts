import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Runtime } from '@temporalio/worker';
import type { Command } from 'commander';
import { configuredCodecs } from '../codec';
import { createConnectors, ledgerAddress } from '../connectors';
import { PostgresqlLedger } from '../ledger';
import { createBundleSource } from '../policy';
import { FileTicketSource } from '../policy/tickets';
import { startReconciler, watchStanding } from '../reconciler';
import { createWorker } from '../worker';
import type { Context } from './context';
import { createLogger, temporalLogger } from './logger';
import { done, type Outcome, UserError } from './output';

/** `countersign worker` */
export function registerWorker(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('worker')
    .description('run a worker: it assesses, verifies, acts on targets, and ends overdue leases')
    .action(() => run(work));
}

/** Runs until SIGTERM or SIGINT, then lets what is under way finish. */
async function work({ settings, env }: Context): Promise<Outcome> {
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  Runtime.install({ logger: temporalLogger(logger), shutdownSignals: ['SIGTERM', 'SIGINT'] });
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  const bundles = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const { connectors: declared } = await bundles.current();
  const connectors = createConnectors(declared, env);
  const ledger = new PostgresqlLedger({ url: ledgerAddress(declared, env), maxConnections: 2 });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await connect(connectionOptions);
  const reconciler = startReconciler({
    connectors,
    intervalMs: settings.COUNTERSIGN_RECONCILE_INTERVAL_SECONDS * 1_000,
    logger,
  });
  const standing = watchStanding({
    ledger,
    connectors,
    directory: async () => (await bundles.current()).directory,
    intervalMs: settings.COUNTERSIGN_RECONCILE_INTERVAL_SECONDS * 1_000,
    logger,
  });
  try {
    const worker = await createWorker({
      connection,
      namespace,
      taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
      bundles,
      connectors,
      ledger,
      maxCachedWorkflows: settings.COUNTERSIGN_MAX_CACHED_WORKFLOWS,
      payloadCodecs: configuredCodecs(settings.COUNTERSIGN_CODEC_KEYS),
    });
    await worker.run();
    return done({ stopped: true });
  } finally {
    await Promise.all([reconciler.stop(), standing.stop()]);
    await Promise.all([...connectors.values(), ledger].map((store) => store.close()));
    await connection.close();
  }
}

async function connect(options: Parameters<typeof NativeConnection.connect>[0]): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(options);
  } catch {
    throw new UserError('cannot reach Temporal; check TEMPORAL_ADDRESS and the server', 1, 'UNREACHABLE');
  }
}
