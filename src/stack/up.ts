import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findDefinition, variablesNamedAfter } from '../connectors';
import { type Environment, settingVariable } from '../connectors/settings';
import { FileTicketSource, loadBundle } from '../policy';
import { withPaths } from '../policy/load/bundle-place';
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
  /** Folder of a policy bundle. Without it an example bundle is used, with keys that are made for it. */
  readonly bundleDir?: string;
  /** Folder of the example bundle, if it is another one than that of the package. */
  readonly exampleDir?: string;
  readonly temporalPort: number;
  readonly uiPort?: number;
  readonly targetPort: number;
  /** Port of the gateway; without it there is none. */
  readonly httpPort?: number;
  readonly gatewayConfig?: string;
  readonly taskQueue: string;
  /** Ports on which the programs serve metrics; without them there are no metrics. */
  readonly telemetry?: Telemetry;
  readonly announce: Announce;
  /** Where connectors of the bundle have targets of their own, by the names of settings. The others use the embedded target. */
  readonly connectorSettings?: Environment;
  /** Aborts a start that is under way. */
  readonly signal?: AbortSignal;
}

/** The embedded stack that runs: Temporal dev server, embedded target, worker, and a gateway if there is a port for it. */
export interface Stack {
  readonly stateDir: string;
  readonly temporalAddress: string;
  readonly uiUrl?: string;
  readonly gatewayUrl?: string;
  /** Address of the target for its connector. */
  readonly targetUrl: string;
  /** Address of the target for an account. */
  targetUrlFor(account: string): string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  pids(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const NAMESPACE = 'default';

/**
 * Starts everything that the main job needs, on loopback, with its data in one folder. Started on the same folder again, it
 * continues with that data.
 *
 * @throws Error of one line if another stack runs on the folder, the bundle is not valid, or a program does not become ready
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
  let provisions: Provisions | undefined;
  const supervisor = new Supervisor(options.announce, () => {
    const pids = { countersign: process.pid, ...supervisor.pids() };
    if (provisions === undefined) return;
    const { bundleDir, ticketsFile, reachable } = provisions;
    writeStackRecord(stateDir, { addresses, bundleDir, ticketsFile, reachable, pids });
  });
  const stop = async () => {
    await supervisor.stop();
    removeStackRecord(stateDir);
    attempt.lock.release();
  };
  try {
    await endLeftovers(stateDir, options.announce);
    requireEmbeddedTarget();
    provisions = await provide({ ...options, stateDir });
    const { bundleDir, ticketsFile } = provisions;
    await startPrograms({ ...options, ...provisions, stateDir }, supervisor);
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
  readonly reachable: readonly string[];
  readonly databases: readonly string[];
  /** Settings of connectors that have a target of their own: those that the environment of `up` has. */
  readonly ownTargets: Readonly<Record<string, string>>;
  readonly accounts: readonly string[];
  readonly roles: readonly string[];
}

/** Prepares what the programs read. A bad bundle is found here, before anything starts. */
export async function provide({
  stateDir,
  bundleDir: given,
  exampleDir,
  connectorSettings: environment = {},
}: Pick<StackOptions, 'stateDir' | 'bundleDir' | 'exampleDir' | 'connectorSettings'>): Promise<Provisions> {
  const bundleDir = withPaths(given ?? (await provideExampleBundle(stateDir, exampleDir)), (one) =>
    path.resolve(one),
  );
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok)
    throw new Error(
      loaded.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('; '),
    );
  // The embedded target is the target of every connector that has none of its own, so it has the accounts of all of them.
  const { accounts, connectors } = loaded.bundle;
  const own = new Map(connectors.map((one) => [one.name, settingsOf(one, environment)]));
  const ownTargets = Object.fromEntries([...own.values()].flatMap((settings) => Object.entries(settings)));
  const embedded = connectors.filter(({ name }) => Object.keys(own.get(name) ?? {}).length === 0);
  const reachable = embedded.filter(({ kind }) => findDefinition(kind)?.environment !== undefined);
  return {
    bundleDir,
    ticketsFile: provideTickets(stateDir),
    reachable: reachable.map(({ name }) => name),
    databases: embedded
      .filter(({ kind }) => kind === 'postgresql' || findDefinition(kind)?.gives === 'execution')
      .map(({ name }) => name),
    ownTargets,
    accounts,
    roles: embedded.flatMap(({ kind, grants }) =>
      kind === 'postgresql' ? grants.flatMap(({ role }) => role ?? []) : [],
    ),
  };
}

/** Settings in an environment that say where a connector has its target. */
function settingsOf(
  connector: { readonly name: string; readonly kind: string },
  env: Environment,
): Readonly<Record<string, string>> {
  const prefix = settingVariable(connector.name, '');
  return Object.fromEntries(
    variablesNamedAfter(connector).flatMap((name) => {
      const value = env[name];
      return value === undefined || !name.startsWith(prefix) ? [] : [[name, value]];
    }),
  );
}

/** A production install leaves out what only the embedded stack needs. */
function requireEmbeddedTarget(): void {
  try {
    require.resolve('@electric-sql/pglite');
  } catch {
    throw new Error(
      'the embedded stack needs @electric-sql/pglite, which a production install leaves out; npm install @electric-sql/pglite@0.5',
    );
  }
}

/** Starts the programs in the order in which they need each other. Resolves when the worker polls its task queue. */
async function startPrograms(options: StackOptions & Provisions, supervisor: Supervisor): Promise<void> {
  const { stateDir, bundleDir, ticketsFile, databases, ownTargets, accounts, roles, announce, taskQueue } =
    options;
  const binary = await findTemporalBinary({ announce });
  await requireFreePorts(options);
  const addresses = addressesOf(options);
  const server = { binary: binary.path, stateDir, port: options.temporalPort };
  await supervisor.run(
    temporalServerSpec(options.uiPort === undefined ? server : { ...server, uiPort: options.uiPort }),
    TEMPORAL_STOPS_WITHIN_MS,
  );
  await supervisor.run(
    targetSpec({ stateDir, port: options.targetPort, accounts, roles }),
    TARGET_STOPS_WITHIN_MS,
  );

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
    databases,
    ownTargets,
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

/** Writes a file that takes the place of a ticket system. */
function provideTickets(stateDir: string): string {
  const file = path.join(stateDir, 'tickets.yaml');
  if (!existsSync(file)) writeFileSync(file, '# Tickets that a reroute may name\n- OPS-1\n- INC-1\n');
  return file;
}
