import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { FileTicketSource, loadBundle } from '../policy';
import { type Announce, announced } from './announce';
import { provideExampleBundle } from './example-bundle';
import { requireFreePort } from './free-port';
import { gatewayUrlOf, waitForGateway } from './gateway-ready';
import { tryPidLock } from './pid-lock';
import {
  GATEWAY_STOPS_WITHIN_MS,
  gatewaySpec,
  TARGET_STOPS_WITHIN_MS,
  type Telemetry,
  targetSpec,
  WORKER_STOPS_WITHIN_MS,
  workerSpec,
} from './stack-programs';
import { endLeftovers, removeStackRecord, writeStackRecord } from './stack-record';
import { Supervisor } from './supervisor';
import { targetUrl, waitForTarget } from './target-ready';
import { findTemporalBinary } from './temporal-binary';
import { waitForTemporal } from './temporal-ready';
import { TEMPORAL_STOPS_WITHIN_MS, temporalServerSpec } from './temporal-server';
import { waitForWorker } from './worker-ready';

export interface StackOptions {
  readonly stateDir: string;
  /** A bundle of one's own; without it the example bundle is used, with keys made for it. */
  readonly bundleDir?: string;
  readonly temporalPort: number;
  readonly uiPort?: number;
  readonly targetPort: number;
  /** Port of the gateway; without it there is none. */
  readonly httpPort?: number;
  readonly gatewayConfig?: string;
  readonly taskQueue: string;
  /** Ports on which the programs serve metrics; without them none do. */
  readonly telemetry?: Telemetry;
  readonly announce: Announce;
  /** Gives up a start that is under way. */
  readonly signal?: AbortSignal;
}

/** The embedded stack: Temporal dev server, embedded target, worker. */
export interface Stack {
  readonly stateDir: string;
  readonly temporalAddress: string;
  readonly uiUrl?: string;
  readonly gatewayUrl?: string;
  /** The target, as the connector reaches it. */
  readonly targetUrl: string;
  /** The target, for an account that logs in to it. */
  targetUrlFor(account: string): string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  pids(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const NAMESPACE = 'default';

/**
 * Starts everything that the main job needs, on loopback, with its data in one folder. The same folder continues where
 * it was. A folder that a live stack uses is refused.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const stateDir = path.resolve(options.stateDir);
  mkdirSync(path.join(stateDir, 'logs'), { recursive: true, mode: 0o700 });
  const attempt = tryPidLock(path.join(stateDir, 'lock'));
  if (!attempt.held)
    throw new Error(
      `${stateDir} is in use by process ${attempt.holder.pid}; stop it, or give another --state-dir`,
    );
  const addresses = addressesOf(options);
  const supervisor = new Supervisor(options.announce, () =>
    writeStackRecord(stateDir, { addresses, pids: { countersign: process.pid, ...supervisor.pids() } }),
  );
  const stop = async () => {
    await supervisor.stop();
    removeStackRecord(stateDir);
    attempt.lock.release();
  };
  try {
    await endLeftovers(stateDir, options.announce);
    const { bundleDir, ticketsFile } = await startPrograms({ ...options, stateDir }, supervisor);
    return {
      stateDir,
      temporalAddress: addresses.temporal,
      ...(addresses.ui !== undefined && { uiUrl: addresses.ui }),
      ...(addresses.gateway !== undefined && { gatewayUrl: addresses.gateway }),
      targetUrl: addresses.target,
      targetUrlFor: (account) => targetUrl(options.targetPort, account),
      bundleDir,
      ticketsFile,
      pids: () => supervisor.pids(),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Provisions {
  readonly bundleDir: string;
  readonly ticketsFile: string;
}

/** Starts the programs in the order in which they need each other; settles when the worker takes work. */
async function startPrograms(options: StackOptions, supervisor: Supervisor): Promise<Provisions> {
  const { stateDir, announce, taskQueue } = options;
  const bundleDir = options.bundleDir ?? (await provideExampleBundle(stateDir));
  const accounts = await targetAccounts(bundleDir);
  const ticketsFile = provideTickets(stateDir);
  const binary = await findTemporalBinary({ announce });
  await requireFreePorts(options);
  const addresses = addressesOf(options);
  const server = { binary: binary.path, stateDir, port: options.temporalPort };
  await supervisor.run(
    temporalServerSpec(options.uiPort === undefined ? server : { ...server, uiPort: options.uiPort }),
    TEMPORAL_STOPS_WITHIN_MS,
  );
  await supervisor.run(targetSpec({ stateDir, port: options.targetPort, accounts }), TARGET_STOPS_WITHIN_MS);

  const waitingFor = (program: string) => ({
    timeoutMs: READY_WITHIN_MS,
    givenUp: () => (options.signal?.aborted ? 'stopped before it was ready' : supervisor.troubleOf(program)),
  });
  const temporal = { address: addresses.temporal, namespace: NAMESPACE };
  await announced(announce, 'starting Temporal and the embedded target', () =>
    Promise.all([
      waitForTemporal(temporal, waitingFor('temporal')),
      waitForTarget(addresses.target, waitingFor('target')),
    ]),
  );
  const place = {
    stateDir,
    bundleDir,
    ticketsFile,
    temporalAddress: addresses.temporal,
    taskQueue,
    targetUrl: addresses.target,
    ...(options.telemetry && { telemetry: options.telemetry }),
  };
  await supervisor.run(workerSpec(place), WORKER_STOPS_WITHIN_MS);
  await announced(announce, 'starting the worker', () =>
    waitForWorker({ ...temporal, taskQueue }, waitingFor('worker')),
  );
  if (options.httpPort !== undefined) {
    const { gatewayConfig } = options;
    await supervisor.run(
      gatewaySpec({
        ...place,
        port: options.httpPort,
        ...(gatewayConfig !== undefined && { config: path.resolve(gatewayConfig) }),
      }),
      GATEWAY_STOPS_WITHIN_MS,
    );
    await announced(announce, 'starting the gateway', () =>
      waitForGateway(addresses.gateway ?? '', waitingFor('gateway')),
    );
  }
  return { bundleDir, ticketsFile };
}

const addressesOf = ({ temporalPort, uiPort, targetPort, httpPort, gatewayConfig }: StackOptions) => ({
  ...(httpPort !== undefined && { gateway: gatewayUrlOf(httpPort, gatewayConfig) }),
  temporal: `127.0.0.1:${temporalPort}`,
  ...(uiPort !== undefined && { ui: `http://127.0.0.1:${uiPort}` }),
  target: targetUrl(targetPort),
});

async function requireFreePorts({
  temporalPort,
  uiPort,
  targetPort,
  httpPort,
  telemetry,
}: StackOptions): Promise<void> {
  if (httpPort !== undefined) await requireFreePort(httpPort, 'the gateway');
  await requireFreePort(temporalPort, 'Temporal');
  if (uiPort !== undefined) await requireFreePort(uiPort, "Temporal's web UI");
  await requireFreePort(targetPort, 'the embedded target');
  for (const port of Object.values(telemetry ?? {})) await requireFreePort(port, 'metrics');
}

/** The example's ticket system: a file. Real ones are asked over their own interface. */
function provideTickets(stateDir: string): string {
  const file = path.join(stateDir, 'tickets.yaml');
  if (!existsSync(file)) writeFileSync(file, '# Tickets that a reroute may name\n- OPS-1\n- INC-1\n');
  return file;
}

/** Accounts of all connectors: the embedded target is each of them. A bad bundle is found here, before anything starts. */
async function targetAccounts(bundleDir: string): Promise<readonly string[]> {
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok)
    throw new Error(
      loaded.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('; '),
    );
  return loaded.bundle.accounts;
}
