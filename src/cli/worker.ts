import { setTimeout as sleep } from 'node:timers/promises';
import {
  NativeConnection,
  Runtime,
  type RuntimeOptions,
  type Worker,
  type WorkflowBundleOption,
} from '@temporalio/worker';
import type { Command } from 'commander';
import { ArchivedVersions, keepingVersions } from '../audit/archive/versions';
import { configuredCodecs } from '../codec';
import { createConnectors } from '../connectors';
import type { Connector } from '../connectors/contract';
import type { Logger } from '../contracts/logger';
import type { Settings } from '../contracts/settings';
import { RetirementMemory } from '../directory/register/memory';
import { Register } from '../directory/register/register';
import { SnapshotStore } from '../directory/sources/store';
import { ledgerAddress, PostgresqlLedger, registerAddress } from '../ledger';
import { createBundleSource, withRegister, withSources } from '../policy';
import { startReconciler, watchStanding } from '../reconciler';
import { lackingSearchAttributes, sayLacking } from '../stack/search-attributes';
import { serveHealth } from '../telemetry/health';
import { createWorker } from '../worker';
import { archiveOf } from './audit/source';
import { startArchive } from './audit/watch';
import type { Context, Run } from './context';
import { createLogger, temporalLogger } from './logger';
import { notificationsOf } from './notify/beside-worker';
import { type CommandResult, done } from './output';
import { metricsOf, temporalTelemetry, tracingOf } from './telemetry';
import { temporalConfig } from './temporal';
import { toldTickets } from './tickets';

/** `countersign worker` */
export function define(command: Command, run: Run): void {
  command.action(() => run(work));
}

/** What benchmarks and fault tests change about a worker. */
export interface Variation {
  readonly connectors?: (made: ReadonlyMap<string, Connector>) => ReadonlyMap<string, Connector>;
  readonly workflowBundle?: WorkflowBundleOption;
}

async function work(context: Context): Promise<CommandResult> {
  await runWorker(context);
  // Handles that the SDK still holds would keep the process running.
  setTimeout(() => process.exit(), LINGER_MS).unref();
  return done({ stopped: true });
}

/** Runs until SIGTERM or SIGINT, then lets running activities finish. */
export async function runWorker(
  context: Context,
  { connectors: varied, ...code }: Variation = {},
): Promise<void> {
  const { settings, env } = context;
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  installRuntime(settings, logger);
  const tickets = toldTickets(settings.COUNTERSIGN_TICKETS, logger);
  const sink = archiveOf(context);
  const files = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const { connectors: declared } = await files.current();
  const memory = new RetirementMemory(settings.COUNTERSIGN_STATE_DIR, logger);
  const register = new Register({ url: registerAddress(declared, env), logger, memory });
  const snapshots = new SnapshotStore({ url: registerAddress(declared, env), logger });
  const source = withRegister(withSources(files, snapshots, logger), register, logger);
  const bundles = sink === undefined ? source : keepingVersions(source, new ArchivedVersions(sink), logger);
  const made = await createConnectors(declared, env, logger);
  const connectors = varied?.(made) ?? made;
  const ledgerUrl = ledgerAddress(declared, env);
  const ledger = new PostgresqlLedger({ url: ledgerUrl, maxConnections: 2, log: logger });
  const { connectionOptions, namespace } = temporalConfig(context.sources.stack);
  const metricsServer = await metricsOf(
    { from: 'worker', connectors: [...connectors.keys()] },
    settings,
    logger,
  );
  const tracing = await tracingOf('countersign-worker', settings);
  const { metrics } = metricsServer;
  const watch = {
    connectors,
    governed: async () =>
      new Map((await bundles.current()).connectors.map(({ name, grants }) => [name, grants])),
    intervalMs: settings.COUNTERSIGN_RECONCILE_INTERVAL_SECONDS * 1_000,
    logger,
    metrics,
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
  let running: Worker | undefined;
  const health = await healthOf(settings, () => running?.getState() === 'RUNNING', logger);
  try {
    // The reconciler already runs here, and continues while Temporal is away or lacks the namespace.
    for (let isOver = false; !isOver; ) {
      const connection = await connectPatiently(connectionOptions, logger, stopping);
      if (connection === undefined) break;
      try {
        archive ??= sink && (await startArchive(context, sink, metrics));
        // Ask first, because the SDK never releases a worker that it could not validate.
        await connection.workflowService.describeNamespace({ namespace });
        await tellLacking(connection, namespace, logger);
        running = await createWorker({
          connection,
          namespace,
          taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
          bundles,
          connectors,
          ledger,
          maxCachedWorkflows: settings.COUNTERSIGN_MAX_CACHED_WORKFLOWS,
          payloadCodecs,
          metrics,
          tracing,
          ...code,
        });
        await running.run();
        isOver = true;
      } catch (error) {
        logger.error({ reason: reasonOf(error) }, 'the worker has ended; restarting it');
        isOver = stopping.aborted;
        await sleep(TRY_AGAIN_MS, undefined, { signal: stopping }).catch(() => undefined);
      }
      running = undefined;
      await connection.close().catch(() => undefined);
    }
  } finally {
    await Promise.all([reconciler.stop(), standing.stop(), archive?.stop(), notifications?.stop()]);
    await Promise.all([...connectors.values(), ledger, register, snapshots].map((store) => store.close()));
    await Promise.all([metricsServer.stop(), tracing.stop(), health?.stop()]);
  }
}

/** Answers probes as the settings say. If it cannot, the worker works all the same: grants have to end. */
async function healthOf(settings: Settings, isReady: () => boolean, logger: Logger) {
  const { COUNTERSIGN_HEALTH_HOST: host, COUNTERSIGN_HEALTH_PORT: port } = settings;
  if (port === undefined) return undefined;
  try {
    return await serveHealth({ host, port }, isReady);
  } catch (error) {
    logger.error({ reason: reasonOf(error) }, 'ALERT no probe is answered');
    return undefined;
  }
}

/** Installs the SDK's native part, with its own metrics if they can be served. */
function installRuntime(settings: Settings, logger: Logger): void {
  const options: RuntimeOptions = { logger: temporalLogger(logger), shutdownSignals: ['SIGTERM', 'SIGINT'] };
  try {
    Runtime.install({ ...options, telemetryOptions: temporalTelemetry(settings) });
  } catch (error) {
    logger.error({ reason: reasonOf(error) }, "ALERT the Temporal SDK's metrics cannot be served");
    Runtime.install(options);
  }
}

/** Without its search attributes no request gets further than its first step, so the log says so. */
async function tellLacking(connection: NativeConnection, namespace: string, logger: Logger): Promise<void> {
  try {
    const { missing, otherType } = await lackingSearchAttributes(connection, namespace);
    const wrong = sayLacking({ missing, otherType });
    if (wrong !== undefined)
      logger.error(
        { namespace, missing, otherType },
        `ALERT no request can go on in this namespace: ${wrong}`,
      );
  } catch (error) {
    logger.warn(
      { namespace, reason: reasonOf(error) },
      'whether the search attributes are registered is not known',
    );
  }
}

const TRY_AGAIN_MS = 1_000;
/** How long the process may take to end by itself after the worker stopped. */
const LINGER_MS = 3_000;

/** Retries until Temporal answers. Returns undefined if the program is to stop first. */
async function connectPatiently(
  options: Parameters<typeof NativeConnection.connect>[0],
  logger: Logger,
  stopping: AbortSignal,
): Promise<NativeConnection | undefined> {
  while (!stopping.aborted) {
    try {
      return await NativeConnection.connect(options);
    } catch {
      logger.error({}, 'cannot reach Temporal; check TEMPORAL_ADDRESS and the server; retrying');
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
