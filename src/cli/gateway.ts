import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { CountersignClient } from '../client';
import { addressOf, ledgerAddress } from '../connectors';
import { EXECUTION_KIND } from '../contracts/names';
import { gatewayConfigSchema, readGatewayConfig } from '../gateway/config';
import { createGateway } from '../gateway/gateway';
import { GatewayKeys } from '../gateway/keys';
import { createRoutes } from '../gateway/routes';
import { listen } from '../gateway/server';
import { PostgresqlLedger } from '../ledger';
import { mcpDoor } from '../mcp/http/door';
import { createBundleSource, FileTicketSource } from '../policy';
import { packageVersion } from '../project';
import { generateKey, writeKeyFile } from '../signing/keys';
import type { Context } from './context';
import { createLogger } from './logger';
import { parsePort } from './number';
import { done, type Outcome, UserError } from './output';
import { metricsOf, tracingOf } from './telemetry';

interface GatewayCliOptions {
  readonly port: string;
  readonly host: string;
  readonly config?: string;
  readonly publicUrl?: string;
}

/** `countersign gateway` */
export function registerGateway(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('gateway')
    .description('serve decisions, access requests and execution tokens over HTTP (OpenID AuthZEN)')
    .option('--port <n>', 'port to listen on', '8080')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--config <file>', 'gateway.yaml: issuers, enforcement points, callbacks, limits')
    .option('--public-url <url>', 'address by which callers know this gateway (default: that of the config)')
    .action((options: GatewayCliOptions) => run((context) => serve(options, context)));
}

/** Serves until SIGTERM or SIGINT, then lets calls under way finish. */
async function serve(options: GatewayCliOptions, { settings, env }: Context): Promise<Outcome> {
  const port = parsePort(options.port, '--port');
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  const config = options.config === undefined ? gatewayConfigSchema.parse({}) : configOf(options.config);
  const publicUrl = options.publicUrl ?? config.publicUrl ?? `http://${options.host}:${port}`;
  const tickets = new FileTicketSource(settings.COUNTERSIGN_TICKETS);
  const bundles = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const { connectors } = await bundles.current();
  const executing = connectors.filter(({ kind }) => kind === EXECUTION_KIND).map(({ name }) => name);
  const ledgerUrls = new Map(executing.map((name) => [name, addressOf(name, env)]));
  const keys = await keysOf(settings.COUNTERSIGN_GATEWAY_KEY, settings.COUNTERSIGN_STATE_DIR);
  const metrics = await metricsOf({ from: 'gateway', connectors: [] }, settings, logger);
  const tracing = await tracingOf('countersign-gateway', settings);
  const client = await CountersignClient.connect({ taskQueue: settings.COUNTERSIGN_TASK_QUEUE, tracing });
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  const ledgerUrl = ledgerAddress(connectors, env);
  const ledger = new PostgresqlLedger({ url: ledgerUrl, maxConnections: 2 });
  const gateway = await createGateway({
    config,
    publicUrl,
    client,
    bundles,
    keys,
    ledgerUrls,
    ledger,
    callbackStoreUrl: ledgerUrl,
    log: logger,
    recorder: metrics.recorder,
    tracing,
  });
  try {
    const listening = await listen(createRoutes(gateway, mcpDoor(gateway, packageVersion())), {
      port,
      host: options.host,
      ...(config.tls && { tls: config.tls }),
    });
    logger.info({ port: listening.port, publicUrl }, 'gateway ready');
    await stopped;
    await listening.stop();
    return done({ stopped: true });
  } finally {
    await gateway.close();
    await ledger.close();
    await client.close();
    await Promise.all([metrics.stop(), tracing.stop()]);
  }
}

function configOf(file: string) {
  try {
    return readGatewayConfig(file);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), 1, 'BAD_CONFIG');
  }
}

/** The registered key of the gateway, and beside it the one it signs decisions with, which is made where there is none. */
async function keysOf(attestationFile: string | undefined, stateDir: string): Promise<GatewayKeys> {
  const file = attestationFile ?? path.join(stateDir, 'keys', 'service-gateway.jwk');
  const decisionFile = file.replace(/(\.jwk)?$/, '-decisions.jwk');
  if (!existsSync(file))
    throw new UserError(
      `there is no gateway key ${file}; make one (countersign keys new) and register it`,
      1,
      'NO_KEY',
    );
  if (!existsSync(decisionFile))
    // Another gateway may make it at the same moment; the file that is there then is the one.
    await writeKeyFile(decisionFile, (await generateKey()).privateJwkText).catch(() =>
      readFileSync(decisionFile),
    );
  return GatewayKeys.read(file, decisionFile);
}
