import type { Command } from 'commander';
import { freePort, freePortFrom } from '../stack/free-port';
import type { Telemetry } from '../stack/stack-programs';
import { type Stack, startStack } from '../stack/up';
import { pageOriginOf } from '../web/origin';
import type { Context, Run } from './context';
import { parsePort } from './number';
import { type CommandResult, done, usageError } from './output';

interface UpOptions {
  readonly stateDir?: string;
  readonly bundle?: string;
  readonly example?: string;
  readonly temporalPort: string;
  readonly uiPort: string;
  readonly httpPort?: string;
  readonly gatewayConfig?: string;
}

/** `countersign up` */
export function define(command: Command, run: Run): void {
  command
    .option(
      '--state-dir <dir>',
      'folder of its data, which the next start continues (default: COUNTERSIGN_STATE_DIR)',
    )
    .option(
      '--bundle <dir>',
      'policy bundle of your own; connectors with settings in the environment act on their own targets, the others on an embedded one (default: the example bundle, with keys made for it)',
    )
    .option(
      '--example <dir>',
      'another example bundle, which is copied into the state folder with a key for everyone in it; a state folder keeps the bundle that it has',
    )
    .option('--temporal-port <n>', 'port of the Temporal server', '7233')
    .option('--ui-port <n>', 'port of the Temporal UI', '8233')
    .option(
      '--http-port <n>',
      'port of the gateway and its pages (default: 8080 or the next free one; with --bundle: no gateway)',
    )
    .option('--gateway-config <file>', 'gateway.yaml: issuers, enforcement points, callbacks, limits')
    .action((options: UpOptions) => run((context) => up(options, context)));
}

async function up(options: UpOptions, { settings, sources, announce }: Context): Promise<CommandResult> {
  if (options.bundle !== undefined && options.example !== undefined)
    throw usageError('give --bundle for a bundle of your own, or --example for a copy of an example');
  const stopped = stopSignal();
  const httpPort = await httpPortOf(options);
  const telemetry = await metricsPorts(settings.COUNTERSIGN_METRICS_PORT);
  const stack = await startStack({
    stateDir: options.stateDir ?? sources.environment['COUNTERSIGN_STATE_DIR'] ?? '.countersign',
    // The example bundle never reaches a target of one's own, whatever the environment has.
    ...(options.bundle !== undefined && {
      bundleDir: options.bundle,
      connectorSettings: sources.environment,
    }),
    ...(options.example !== undefined && { exampleDir: options.example }),
    temporalPort: parsePort(options.temporalPort, '--temporal-port', 1),
    uiPort: parsePort(options.uiPort, '--ui-port', 1),
    targetPort: await freePort(),
    ...(httpPort !== undefined && { httpPort }),
    ...(options.gatewayConfig !== undefined && { gatewayConfig: options.gatewayConfig }),
    taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
    telemetry,
    announce,
  });
  process.stdout.write(`${readyLine(stack, telemetry)}\n`);
  // Nobody here holds a governor's key of a bundle of one's own, and other examples have no governor.
  if (options.bundle === undefined && options.example === undefined) await printInvitations(stack);
  await stopped;
  announce('stopping');
  await stack.stop();
  return done({ stopped: true });
}

/** Prints one line for each person who approves: their link to register a passkey. Good once, for seven days. */
async function printInvitations(stack: Stack): Promise<void> {
  const { exampleInvitations } = await import('./invitations.js');
  for (const { person, link } of await exampleInvitations(stack))
    process.stdout.write(`enrol ${person} ${link}\n`);
}

/** Returns one line for people and scripts: `ready`, then names with addresses. */
function readyLine(stack: Stack, ports: Telemetry): string {
  const pids = Object.entries(stack.pids()).map(([name, pid]) => `${name}-pid=${pid}`);
  return [
    'ready',
    `temporal=${stack.temporalAddress}`,
    `ui=${stack.uiUrl ?? '-'}`,
    `target=${stack.targetUrl}`,
    ...(stack.gatewayUrl === undefined ? [] : [`gateway=${stack.gatewayUrl}`, ...pagesOf(stack.gatewayUrl)]),
    `state=${stack.stateDir}`,
    `worker-metrics=${metricsUrl(ports.workerPort)}`,
    ...(stack.gatewayUrl === undefined ? [] : [`gateway-metrics=${metricsUrl(ports.gatewayPort)}`]),
    `temporal-metrics=${metricsUrl(ports.temporalPort)}`,
    ...pids,
  ].join(' ');
}

/** A browser has to come by a name, since a passkey belongs to one. */
function pagesOf(gatewayUrl: string): readonly string[] {
  const origin = pageOriginOf(gatewayUrl);
  return origin === undefined ? [] : [`pages=${origin}`];
}

/** Returns the port of the gateway, or undefined if none is to run: a bundle of one's own may have no key for a gateway. */
async function httpPortOf({ httpPort, bundle }: UpOptions): Promise<number | undefined> {
  if (httpPort !== undefined) return parsePort(httpPort, '--http-port', 1);
  return bundle === undefined ? freePortFrom(8080) : undefined;
}

const metricsUrl = (port: number): string => `http://127.0.0.1:${port}/metrics`;

/** Returns the configured port and the two after it, or three that are free. */
async function metricsPorts(first: number | undefined): Promise<Telemetry> {
  if (first === undefined)
    return { workerPort: await freePort(), gatewayPort: await freePort(), temporalPort: await freePort() };
  return { workerPort: first, gatewayPort: first + 1, temporalPort: first + 2 };
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
