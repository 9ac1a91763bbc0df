import { setTimeout as sleep } from 'node:timers/promises';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import {
  NativeConnection,
  Runtime,
  type RuntimeOptions,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import { ArchivedShelf, keepingVersions } from '../audit/archive/shelf';
import { configuredCodecs } from '../codec';
import { createConnectors, ledgerAddress } from '../connectors';
import type { Connector } from '../connectors/contract';
import type { Settings } from '../contracts/settings';
import { PostgresqlLedger } from '../ledger';
import { createBundleSource } from '../policy';
import { FileTicketSource } from '../policy/tickets';
import { startReconciler, watchStanding } from '../reconciler';
import { createWorker } from '../worker';
import { archiveOf } from './audit/source';
import { startArchive } from './audit/watch';
import type { Context } from './context';
import { createLogger, temporalLogger } from './logger';
import { notificationsOf } from './notify/beside-worker';
import { done, type Outcome } from './output';
import { metricsOf, temporalTelemetry, tracingOf } from './telemetry';

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

/** What a worker of ours does otherwise; for those who measure or break one. */
export interface Variation {
  readonly connectors?: (made: ReadonlyMap<string, Connector>) => ReadonlyMap<string, Connector>;
  readonly workflowBundle?: WorkflowBundleOption;
}

async function work(context: Context): Promise<Outcome> {
  await runWorker(context);
  // What the SDK has not let go of would keep the process.
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return done({ stopped: true });
}

/** Runs until SIGTERM or SIGINT, then lets what is under way finish. */
export async function runWorker(
  context: Context,
  { connectors: varied, ...code }: Variation = {},
): Promise<void> {
  const { settings, env } = context;
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  installRuntime(settings, logger);
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  const sink = archiveOf(context);
  const source = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const bundles = sink === undefined ? source : keepingVersions(source, new ArchivedShelf(sink), logger);
  const { connectors: declared } = await bundles.current();
  const made = createConnectors(declared, env);
  const connectors = varied?.(made) ?? made;
  const ledgerUrl = ledgerAddress(declared, env);
  const ledger = new PostgresqlLedger({ url: ledgerUrl, maxConnections: 2 });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const metrics = await metricsOf({ from: 'worker', connectors: [...connectors.keys()] }, settings, logger);
  const tracing = await tracingOf('countersign-worker', settings);
  const { recorder } = metrics;
  const watch = {
    connectors,
    governed: async () =>
      new Map((await bundles.current()).connectors.map(({ name, grants }) => [name, grants])),
    intervalMs: settings.COUNTERSIGN_RECONCILE_INTERVAL_SECONDS * 1_000,
    logger,
    recorder,
  };
  const payloadCodecs = configuredCodecs(settings.COUNTERSIGN_CODEC_KEYS);
  const reconciler = startReconciler(watch);
  const standing = watchStanding({
    ...watch,
    ledger,
    directory: async () => (await bundles.current()).directory,
  });
  const notifications = notificationsOf(context, { bundles: source, ledger, ledgerUrl, logger });
  let archive: Awaited<ReturnType<typeof startArchive>> | undefined;
  const stopping = stopSignal();
  try {
    // What ends overdue leases is running by now, and runs on while Temporal is away or has no such namespace.
    for (let isOver = false; !isOver; ) {
      const connection = await connectPatiently(connectionOptions, logger, stopping);
      if (connection === undefined) break;
      try {
        archive ??= sink && (await startArchive(context, sink, recorder));
        // Asked first, for the SDK never lets go of a worker that it could not validate.
        await connection.workflowService.describeNamespace({ namespace });
        const worker = await createWorker({
          connection,
          namespace,
          taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
          bundles,
          connectors,
          ledger,
          maxCachedWorkflows: settings.COUNTERSIGN_MAX_CACHED_WORKFLOWS,
          payloadCodecs,
          recorder,
          tracing,
          ...code,
        });
        await worker.run();
        isOver = true;
      } catch (error) {
        logger.error({ reason: reasonOf(error) }, 'the worker has ended; it starts again');
        isOver = stopping.aborted;
        await sleep(TRY_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
      }
      await connection.close().catch(() => undefined);
    }
  } finally {
    await Promise.all([reconciler.stop(), standing.stop(), archive?.stop(), notifications?.stop()]);
    await Promise.all([...connectors.values(), ledger].map((store) => store.close()));
    await Promise.all([metrics.stop(), tracing.stop()]);
  }
}

/** The SDK's native part, with its own metrics where they can be served. */
function installRuntime(settings: Settings, logger: Logger): void {
  const options: RuntimeOptions = { logger: temporalLogger(logger), shutdownSignals: ['SIGTERM', 'SIGINT'] };
  try {
    Runtime.install({ ...options, telemetryOptions: temporalTelemetry(settings) });
  } catch (error) {
    logger.error({ reason: reasonOf(error) }, "ALERT the Temporal SDK's metrics cannot be served");
    Runtime.install(options);
  }
}

const TRY_AGAIN_MS = 1_000;
/** How long a worker that has stopped may take to end by itself. */
const LINGER_MS = 3_000;

/** Tries until Temporal is there. Nothing where the program is to stop before. */
async function connectPatiently(
  options: Parameters<typeof NativeConnection.connect>[0],
  logger: Logger,
  stopping: AbortSignal,
): Promise<NativeConnection | undefined> {
  while (!stopping.aborted) {
    try {
      return await NativeConnection.connect(options);
    } catch {
      logger.error('cannot reach Temporal; check TEMPORAL_ADDRESS and the server; trying again');
    }
    await sleep(TRY_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
  return undefined;
}

function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  process.once('SIGTERM', () => stopping.abort());
  process.once('SIGINT', () => stopping.abort());
  return stopping.signal;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
