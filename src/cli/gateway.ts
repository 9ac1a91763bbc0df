import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { CountersignClient } from '../client';
import { connectorSettings, type Declared, findDefinition, leaseBookAddress } from '../connectors';
import { addressOf, type Environment } from '../connectors/settings';
import { sshCertificate } from '../connectors/ssh-certificate/definition';
import type { Logger } from '../contracts/logger';
import type { Settings } from '../contracts/settings';
import { RetirementMemory } from '../directory/register/memory';
import { Register } from '../directory/register/register';
import { PushedStore } from '../directory/sources/pushed/store';
import { SnapshotStore } from '../directory/sources/store';
import { gatewayConfigSchema, readGatewayConfig } from '../gateway/config';
import { createGateway } from '../gateway/gateway';
import { GatewayKeys } from '../gateway/keys';
import { createRoutes } from '../gateway/routes';
import { listen } from '../gateway/server';
import { ledgerAddress, PostgresqlLedger, registerAddress } from '../ledger';
import { mcpEndpoint } from '../mcp/http/endpoint';
import { createBundleSource, withRegister, withSources } from '../policy';
import { packageVersion } from '../project';
import { generateKey, writeKeyFile } from '../signing/keys';
import { SshAuthority } from '../ssh-ca/authority';
import { SshGrants } from '../ssh-ca/grants';
import { createPages } from '../web';
import { pageOriginOf } from '../web/origin';
import { evidenceFor } from './audit/evidence-download';
import type { Context, Run } from './context';
import { servedGate } from './gate/served';
import { createLogger } from './logger';
import { parsePort } from './number';
import { type CommandResult, done, UserError } from './output';
import { metricsOf, tracingOf } from './telemetry';
import { toldTickets } from './tickets';

interface GatewayCliOptions {
  readonly port: string;
  readonly host: string;
  readonly config?: string;
  readonly publicUrl?: string;
}

/** `countersign gateway` */
export function define(command: Command, run: Run): void {
  command
    .option('--port <n>', 'port to listen on', '8080')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--config <file>', 'gateway.yaml: issuers, enforcement points, callbacks, limits')
    .option('--public-url <url>', 'address that callers use for this gateway (default: that of the config)')
    .action((options: GatewayCliOptions) => run((context) => serve(options, context)));
}

/** Serves until SIGTERM or SIGINT, then lets open calls finish. */
async function serve(options: GatewayCliOptions, context: Context): Promise<CommandResult> {
  const { settings, env } = context;
  const port = parsePort(options.port, '--port');
  const logger = createLogger(settings.COUNTERSIGN_LOG_LEVEL);
  const config = options.config === undefined ? gatewayConfigSchema.parse({}) : configOf(options.config);
  const publicUrl = options.publicUrl ?? config.publicUrl ?? `http://${options.host}:${port}`;
  const tickets = toldTickets(settings.COUNTERSIGN_TICKETS, logger);
  const files = await createBundleSource(settings.COUNTERSIGN_BUNDLE, { tickets, logger });
  const { connectors } = await files.current();
  const stores = config.decidesOnly
    ? undefined
    : storesOf(connectors, env, settings.COUNTERSIGN_STATE_DIR, logger);
  const bundles =
    stores === undefined
      ? files
      : withRegister(withSources(files, stores.snapshots, logger), stores.register, logger);
  const keys = await keysOf(settings, logger);
  const metricsServer = await metricsOf({ from: 'gateway', connectors: [] }, settings, logger);
  const tracing = await tracingOf('countersign-gateway', settings);
  const client = await CountersignClient.connect({ taskQueue: settings.COUNTERSIGN_TASK_QUEUE, tracing });
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  const gateway = await createGateway({
    config,
    publicUrl,
    client,
    bundles,
    keys,
    tokenUsesUrls: stores?.tokenUsesUrls ?? new Map(),
    sshConnectors: config.decidesOnly ? new Map() : sshConnectorsOf(connectors, env, logger),
    ...(stores && {
      grantsOf: (id: string) => stores.ledger.grantsOf(id),
      ...{
        ledger: stores.ledger,
        register: stores.register,
        pushed: stores.pushed,
        pageOrigin: pageOriginOf(publicUrl),
      },
      ...{ callbackStoreUrl: stores.ledgerUrl, sessionStoreUrl: stores.ledgerUrl },
    }),
    log: logger,
    metrics: metricsServer.metrics,
    tracing,
  });
  const pages = config.decidesOnly ? undefined : createPages(gateway, { evidence: evidenceFor(context) });
  let gate: Awaited<ReturnType<typeof servedGate>>;
  try {
    gate = stores && (await servedGate(gateway, stores.ledger, context, pages?.origin ?? publicUrl));
    const extensions =
      pages === undefined ? [] : [mcpEndpoint(gateway, packageVersion(), pages.origin), pages.extension];
    const routes = createRoutes(gateway, ...(gate === undefined ? [] : [gate.extension]), ...extensions);
    const listening = await listen(routes, {
      port,
      host: options.host,
      log: logger,
      ...(config.tls && { tls: config.tls }),
    });
    logger.info({ port: listening.port, publicUrl, pages: pages?.origin }, 'gateway ready');
    await stopped;
    await pages?.close();
    await listening.stop();
    return done({ stopped: true });
  } finally {
    await gate?.close();
    await gateway.close();
    await stores?.ledger.close();
    await stores?.register.close();
    await stores?.snapshots.close();
    await stores?.pushed.close();
    await client.close();
    await Promise.all([metricsServer.stop(), tracing.stop()]);
  }
}

/** Opens what a gateway that takes requests keeps and reads. Throws a line of text if an address is missing. */
function storesOf(connectors: readonly Declared[], env: Environment, stateDir: string, logger: Logger) {
  const memory = new RetirementMemory(stateDir, logger);
  const executing = connectors.filter(({ kind }) => findDefinition(kind)?.gives === 'execution');
  const tokenUsesUrls = new Map(executing.map(({ name }) => [name, addressOf(name, env)]));
  const ledgerUrl = ledgerAddress(connectors, env);
  return {
    tokenUsesUrls,
    ledgerUrl,
    ledger: new PostgresqlLedger({ url: ledgerUrl, maxConnections: 2, log: logger }),
    register: new Register({ url: registerAddress(connectors, env), logger, memory }),
    snapshots: new SnapshotStore({ url: registerAddress(connectors, env), logger }),
    pushed: new PushedStore({ url: registerAddress(connectors, env), log: logger }),
  };
}

/** Returns the certificate authorities whose key is here. A connector without one is left out: another gateway may have it. */
function sshConnectorsOf(connectors: readonly Declared[], env: Environment, log: Logger) {
  const declared = connectors.filter(({ kind }) => kind === sshCertificate.kind);
  return new Map(
    declared.flatMap(({ name, kind }) => {
      const { ca, agent } = connectorSettings({ name, kind }, env);
      if (ca === undefined) {
        log.warn(
          { connector: name },
          'no SSH authority is set for this connector; certificates are not signed here',
        );
        return [];
      }
      const authority = new SshAuthority({ connector: name, ca, ...(agent !== undefined && { agent }) });
      const grants = new SshGrants({ connector: name, url: leaseBookAddress(connectors, env), log });
      return [[name, { authority, grants }] as const];
    }),
  );
}

function configOf(file: string) {
  try {
    return readGatewayConfig(file);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), 1, 'BAD_CONFIG');
  }
}

/** Reads the registered key of the gateway, and the key that signs decisions, which is made if no setting names one. */
async function keysOf(settings: Settings, logger: Logger): Promise<GatewayKeys> {
  const { COUNTERSIGN_GATEWAY_KEY: set, COUNTERSIGN_STATE_DIR: stateDir } = settings;
  const file = set ?? path.join(stateDir, 'keys', 'service-gateway.jwk');
  if (!existsSync(file))
    throw new UserError(
      `there is no gateway key ${file}; make one (countersign keys new) and register it`,
      1,
      'NO_KEY',
    );
  return GatewayKeys.read(
    file,
    settings.COUNTERSIGN_GATEWAY_DECISION_KEY ?? (await ownDecisionKey(file, stateDir, logger)),
  );
}

/** Nothing is written beside a key that was put there: that folder may be one that is only read. */
async function ownDecisionKey(attestationFile: string, stateDir: string, logger: Logger): Promise<string> {
  const beside = attestationFile.replace(/(\.jwk)?$/, '-decisions.jwk');
  if (existsSync(beside)) return beside;
  const file = path.join(stateDir, 'keys', path.basename(beside));
  if (existsSync(file)) return file;
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    // Another gateway may make it at the same moment. The file that exists then counts.
    await writeKeyFile(file, (await generateKey()).privateJwkText).catch(() => readFileSync(file));
  } catch {
    const what = `no decision key could be made as ${file}`;
    throw new UserError(
      `${what}; make one (countersign keys new) and set COUNTERSIGN_GATEWAY_DECISION_KEY`,
      1,
      'NO_KEY',
    );
  }
  logger.info(
    { file },
    'made a decision key; for several gateways behind one address set COUNTERSIGN_GATEWAY_DECISION_KEY to one that they share',
  );
  return file;
}
