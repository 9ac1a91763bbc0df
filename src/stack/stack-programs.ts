import path from 'node:path';
import { addressVariable } from '../connectors';
import type { ChildSpec } from './child-process';
import { baseEnvironment } from './temporal-server';

const COMMAND_LINE = path.resolve(__dirname, '..', 'cli', 'main.js');
const TARGET_PROGRAM = path.resolve(__dirname, 'embedded-target-process.js');

/** The target answers for open transactions, then closes its files. */
export const TARGET_STOPS_WITHIN_MS = 5_000;
/** A worker lets activities finish for five seconds. */
export const WORKER_STOPS_WITHIN_MS = 8_000;

export interface TargetPlace {
  readonly stateDir: string;
  readonly port: number;
  readonly accounts: readonly string[];
}

/** How the embedded target is run. */
export const targetSpec = ({ stateDir, port, accounts }: TargetPlace): ChildSpec => ({
  name: 'target',
  command: process.execPath,
  args: [TARGET_PROGRAM, stateDir, String(port), ...accounts],
  env: baseEnvironment(),
  logFile: path.join(stateDir, 'logs', 'target.log'),
});

/** Where the programs of a stack find each other and what they work by. */
export interface ProgramPlace {
  readonly stateDir: string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly targetUrl: string;
  readonly telemetry?: Telemetry;
}

/** What the programs of a stack are told about metrics and traces. */
export interface Telemetry {
  readonly workerPort: number;
  readonly gatewayPort: number;
  readonly temporalPort: number;
}

const telemetryEnv = (metricsPort: number | undefined): Readonly<Record<string, string>> => ({
  ...(metricsPort !== undefined && { COUNTERSIGN_METRICS_PORT: String(metricsPort) }),
  ...Object.fromEntries(
    ['COUNTERSIGN_TRACES_URL', 'COUNTERSIGN_TRACES_RATIO'].flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  ),
});

/** What the worker and the gateway are told alike. */
const programEnv = (place: ProgramPlace): NodeJS.ProcessEnv => ({
  ...baseEnvironment(),
  TEMPORAL_ADDRESS: place.temporalAddress,
  COUNTERSIGN_STATE_DIR: place.stateDir,
  COUNTERSIGN_BUNDLE: place.bundleDir,
  COUNTERSIGN_TICKETS: place.ticketsFile,
  COUNTERSIGN_TASK_QUEUE: place.taskQueue,
  [addressVariable('warehouse')]: place.targetUrl,
  [addressVariable('changes')]: place.targetUrl,
  ...(process.env['COUNTERSIGN_CODEC_KEYS'] && {
    COUNTERSIGN_CODEC_KEYS: path.resolve(process.env['COUNTERSIGN_CODEC_KEYS']),
  }),
});

/** How the worker is run. */
export const workerSpec = (place: ProgramPlace): ChildSpec => ({
  name: 'worker',
  command: process.execPath,
  args: [COMMAND_LINE, 'worker'],
  env: {
    ...programEnv(place),
    ...archiveSettings(place.stateDir),
    COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '5',
    ...telemetryEnv(place.telemetry?.workerPort),
    ...(place.telemetry && { COUNTERSIGN_TEMPORAL_METRICS_PORT: String(place.telemetry.temporalPort) }),
    ...(process.env['COUNTERSIGN_NOTIFY'] && {
      COUNTERSIGN_NOTIFY: path.resolve(process.env['COUNTERSIGN_NOTIFY']),
      COUNTERSIGN_NOTIFY_INTERVAL_SECONDS: process.env['COUNTERSIGN_NOTIFY_INTERVAL_SECONDS'] ?? '5',
    }),
  },
  logFile: path.join(place.stateDir, 'logs', 'worker.log'),
});

const ARCHIVE_ADDRESSES = ['COUNTERSIGN_ARCHIVE', 'COUNTERSIGN_ARCHIVE_FILE'];
const ARCHIVE_SETTINGS = [
  ...ARCHIVE_ADDRESSES,
  'COUNTERSIGN_ARCHIVE_INTERVAL_SECONDS',
  'COUNTERSIGN_LOG_DIR',
  'COUNTERSIGN_LOG_KEY_FILE',
  ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_REGION'],
];

/** Where the worker archives evidence: as `up` itself was told, or else beside its data. */
function archiveSettings(stateDir: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const isChosen = ARCHIVE_ADDRESSES.some((name) => env[name] !== undefined);
  const told = ARCHIVE_SETTINGS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return {
    ...(!isChosen && { COUNTERSIGN_ARCHIVE: path.join(stateDir, 'archive') }),
    ...Object.fromEntries(told),
  };
}

/** A gateway lets calls under way finish for five seconds. */
export const GATEWAY_STOPS_WITHIN_MS = 8_000;

export interface GatewayPlace extends ProgramPlace {
  readonly port: number;
  readonly config?: string;
}

/** How the gateway is run. */
export const gatewaySpec = (place: GatewayPlace): ChildSpec => ({
  name: 'gateway',
  command: process.execPath,
  args: [
    COMMAND_LINE,
    'gateway',
    '--port',
    String(place.port),
    ...(place.config === undefined ? [] : ['--config', place.config]),
  ],
  env: {
    ...programEnv(place),
    ...telemetryEnv(place.telemetry?.gatewayPort),
  },
  logFile: path.join(place.stateDir, 'logs', 'gateway.log'),
});
