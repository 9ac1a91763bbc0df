import path from 'node:path';
import { LEDGER } from '../connectors/index';
import { addressVariable } from '../connectors/settings';
import type { ChildSpec } from './child-process';
import { baseEnvironment } from './temporal-server';

const COMMAND_LINE = path.resolve(__dirname, '..', 'cli', 'main.js');
const TARGET_PROGRAM = path.resolve(__dirname, 'embedded-target-process.js');

/** The target finishes open transactions, then closes its files. */
export const TARGET_STOPS_WITHIN_MS = 5_000;
/** A worker gives activities five seconds to finish. */
export const WORKER_STOPS_WITHIN_MS = 8_000;

export interface TargetPlace {
  readonly stateDir: string;
  readonly port: number;
  readonly accounts: readonly string[];
  /** Roles that the bundle grants there. */
  readonly roles: readonly string[];
}

/** Returns how to run the embedded target. */
export const targetSpec = ({ stateDir, port, accounts, roles }: TargetPlace): ChildSpec => ({
  name: 'target',
  command: process.execPath,
  args: [TARGET_PROGRAM, stateDir, String(port), JSON.stringify({ accounts, roles })],
  env: baseEnvironment(),
  logFile: path.join(stateDir, 'logs', 'target.log'),
});

/** What the programs of a stack read, and where they find each other. */
export interface ProgramPlace {
  readonly stateDir: string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  readonly temporalAddress: string;
  readonly taskQueue: string;
  readonly targetUrl: string;
  /** Connectors whose target, or whose record of executions, is the embedded database. */
  readonly databases: readonly string[];
  /** Settings of connectors that have a target of their own. */
  readonly ownTargets: Readonly<Record<string, string>>;
  readonly telemetry?: Telemetry;
}

/** The ports on which the programs of a stack serve metrics. */
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

/** The environment that the worker and the gateway share. */
const programEnv = (place: ProgramPlace): NodeJS.ProcessEnv => ({
  ...baseEnvironment(),
  TEMPORAL_ADDRESS: place.temporalAddress,
  COUNTERSIGN_STATE_DIR: place.stateDir,
  COUNTERSIGN_BUNDLE: place.bundleDir,
  COUNTERSIGN_TICKETS: place.ticketsFile,
  COUNTERSIGN_TASK_QUEUE: place.taskQueue,
  [LEDGER]: place.targetUrl,
  ...Object.fromEntries(place.databases.map((name) => [addressVariable(name), place.targetUrl])),
  ...place.ownTargets,
  ...(process.env['COUNTERSIGN_CODEC_KEYS'] && {
    COUNTERSIGN_CODEC_KEYS: path.resolve(process.env['COUNTERSIGN_CODEC_KEYS']),
  }),
});

/** Returns how to run the worker. */
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

/** Where the worker archives evidence: as the environment of `up` says, or else beside its data. */
function archiveSettings(stateDir: string, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const isChosen = ARCHIVE_ADDRESSES.some((name) => env[name] !== undefined);
  const set = ARCHIVE_SETTINGS.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]]));
  return {
    ...(!isChosen && { COUNTERSIGN_ARCHIVE: path.join(stateDir, 'archive') }),
    ...Object.fromEntries(set),
  };
}

/** A gateway gives open calls five seconds to finish. */
export const GATEWAY_STOPS_WITHIN_MS = 8_000;

export interface GatewayPlace extends ProgramPlace {
  readonly port: number;
  readonly config?: string;
}

/** Returns how to run the gateway. */
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
