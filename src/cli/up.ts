import type { Command } from 'commander';
import { freePort } from '../stack/free-port';
import type { Telemetry } from '../stack/stack-programs';
import { type Stack, startStack } from '../stack/up';
import type { Context } from './context';
import { parsePort } from './number';
import { done, type Outcome } from './output';

interface UpOptions {
  readonly stateDir?: string;
  readonly bundle?: string;
  readonly temporalPort: string;
  readonly uiPort: string;
  readonly httpPort?: string;
  readonly gatewayConfig?: string;
}

/** `countersign up` */
export function registerUp(
  program: Command,
  run: (work: (context: Context) => Promise<Outcome>) => void,
): void {
  program
    .command('up')
    .description(
      'run Temporal, an embedded target and a worker in the foreground; SIGTERM or Ctrl-C stops them',
    )
    .option(
      '--state-dir <dir>',
      'where data is kept; the same folder continues (default: COUNTERSIGN_STATE_DIR)',
    )
    .option('--bundle <dir>', 'a policy bundle of your own (default: the example, with keys made for it)')
    .option('--temporal-port <n>', 'port of the Temporal server', '7233')
    .option('--ui-port <n>', 'port of the Temporal UI', '8233')
    .option('--http-port <n>', 'port of the gateway; without it there is none')
    .option('--gateway-config <file>', 'gateway.yaml: issuers, enforcement points, callbacks, limits')
    .action((options: UpOptions) => run((context) => up(options, context)));
}

async function up(options: UpOptions, { settings, announce }: Context): Promise<Outcome> {
  const stopped = stopSignal();
  const telemetry = await metricsPorts(settings.COUNTERSIGN_METRICS_PORT);
  const stack = await startStack({
    stateDir: options.stateDir ?? settings.COUNTERSIGN_STATE_DIR,
    ...(options.bundle !== undefined && { bundleDir: options.bundle }),
    temporalPort: parsePort(options.temporalPort, '--temporal-port', 1),
    uiPort: parsePort(options.uiPort, '--ui-port', 1),
    targetPort: await freePort(),
    ...(options.httpPort !== undefined && { httpPort: parsePort(options.httpPort, '--http-port', 1) }),
    ...(options.gatewayConfig !== undefined && { gatewayConfig: options.gatewayConfig }),
    taskQueue: settings.COUNTERSIGN_TASK_QUEUE,
    telemetry,
    announce,
  });
  process.stdout.write(`${readyLine(stack, telemetry)}\n`);
  await stopped;
  announce('stopping');
  await stack.stop();
  return done({ stopped: true });
}

/** One line that a person reads and a script parses: `ready`, then names and addresses. */
function readyLine(stack: Stack, ports: Telemetry): string {
  const pids = Object.entries(stack.pids()).map(([name, pid]) => `${name}-pid=${pid}`);
  return [
    'ready',
    `temporal=${stack.temporalAddress}`,
    `ui=${stack.uiUrl ?? '-'}`,
    `target=${stack.targetUrl}`,
    ...(stack.gatewayUrl === undefined ? [] : [`gateway=${stack.gatewayUrl}`]),
    `state=${stack.stateDir}`,
    `worker-metrics=${metricsUrl(ports.workerPort)}`,
    ...(stack.gatewayUrl === undefined ? [] : [`gateway-metrics=${metricsUrl(ports.gatewayPort)}`]),
    `temporal-metrics=${metricsUrl(ports.temporalPort)}`,
    ...pids,
  ].join(' ');
}

const metricsUrl = (port: number): string => `http://127.0.0.1:${port}/metrics`;

/** The configured port for the worker and the two after it for the others, or any that are free. */
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
