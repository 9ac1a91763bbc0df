import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { addressVariable, createConnectors, ledgerAddress } from '../../src/connectors';
import { readSettings } from '../../src/contracts/settings';
import { PostgresqlLedger } from '../../src/ledger';
import { createBundleSource, FileTicketSource } from '../../src/policy';
import { startReconciler, watchStanding } from '../../src/reconciler';
import { createWorker } from '../../src/worker';
import { breakConnector } from './broken-connector';

/** A worker put together from the product's parts, with other workflow code or with a promise broken. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { code: { type: 'string' }, break: { type: 'boolean' } } });
  const read = readSettings(process.env);
  if (!read.ok) throw new Error(read.problems.join('; '));
  const { settings } = read;
  const logger = { info: () => undefined, warn: console.error, error: console.error };
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: ['SIGTERM'] });
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  const bundles = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const { connectors: declared } = await bundles.current();
  const connectors = new Map(
    [...createConnectors(declared, process.env)].map(([name, connector]) => {
      const url = process.env[addressVariable(name)];
      return [name, values.break && url !== undefined ? breakConnector(connector, url) : connector];
    }),
  );
  const ledger = new PostgresqlLedger({ url: ledgerAddress(declared, process.env), maxConnections: 2 });
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await NativeConnection.connect(connectionOptions);
  const intervalMs = settings.COUNTERSIGN_RECONCILE_INTERVAL_SECONDS * 1_000;
  const reconciler = startReconciler({ connectors, intervalMs, logger });
  const directory = async () => (await bundles.current()).directory;
  const standing = watchStanding({ ledger, connectors, directory, intervalMs, logger });
  const worker = await createWorker({
    connection,
    namespace,
    taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
    bundles,
    connectors,
    ledger,
    maxCachedWorkflows: settings.COUNTERSIGN_MAX_CACHED_WORKFLOWS,
    ...(values.code !== undefined && { workflowBundle: { code: readFileSync(values.code, 'utf8') } }),
  });
  await worker.run();
  await Promise.all([reconciler.stop(), standing.stop()]);
  await connection.close();
}

void main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
