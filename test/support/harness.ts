import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { CountersignClient } from '../../src/client';
import { configuredCodecs } from '../../src/codec';
import type { Connector } from '../../src/connectors/contract';
import { ExecutionTokenConnector } from '../../src/connectors/execution-token/connector';
import { PostgresqlConnector } from '../../src/connectors/postgresql/connector';
import { SILENT_LOGGER } from '../../src/contracts/logger';
import { TASK_QUEUE } from '../../src/contracts/names';
import { Register } from '../../src/directory/register/register';
import { SnapshotStore } from '../../src/directory/sources/store';
import type { Ledger } from '../../src/domain/precedents';
import { PostgresqlLedger } from '../../src/ledger';
import { FORGETFUL } from '../../src/ledger/forgetful';
import {
  createBundleSource,
  FileTicketSource,
  loadBundle,
  withRegister,
  withSources,
} from '../../src/policy';
import { createWorker } from '../../src/worker';
import { BundleFolder } from './harness-bundle';
import { Cast } from './harness-cast';
import { startPostgres, type TestPostgres } from './postgres';
import { startTestServer, type TestServer, type TestServerOptions } from './temporal';

const DIST = path.resolve(__dirname, '../../dist');
const BUILT_BUNDLE = path.join(DIST, 'workflow-bundle.js');
// The built module: it finds the example bundle beside the built program.
const { provideExampleBundle }: typeof import('../../src/stack/example-bundle') = require(
  path.join(DIST, 'src/stack/example-bundle.js'),
);
const ROLES = ['reporting_read', 'production_write', 'production_admin'];
const TICKETS: readonly string[] = ['OPS-1', 'INC-1', 'CHG-7'];

/** Returns the workflow bundle that the build made. */
export const builtWorkflowBundle = () => ({ code: readFileSync(BUILT_BUNDLE, 'utf8') });

/** All of Countersign on real servers: Temporal, PostgreSQL, a worker, the example bundle and its keys. */
export class Harness {
  readonly client: CountersignClient;
  readonly cast: Cast;
  readonly bundle: BundleFolder;
  #worker: { readonly worker: Worker; readonly ended: Promise<void> } | undefined;
  #native: NativeConnection | undefined;
  #connectors: readonly Connector[] = [];
  #ledger: PostgresqlLedger | undefined;
  #forgetsAsks = false;
  #register: Register | undefined;
  #snapshots: SnapshotStore | undefined;

  private constructor(
    readonly server: TestServer,
    readonly postgres: TestPostgres,
    readonly temporal: Client,
    readonly stateDir: string,
    bundleDir: string,
    readonly ticketsFile: string,
    private codecKeys: string | undefined,
    readonly namespace: string,
  ) {
    this.client = new CountersignClient(temporal);
    this.cast = new Cast(this.client, stateDir);
    this.bundle = new BundleFolder(bundleDir);
  }

  /** Starts everything. `worker: false` leaves the worker to the test. Call `stop` in `afterAll`. */
  static async start({
    worker = true,
    remembers = false,
    ledgerUrl,
    enrols = false,
    sourced = false,
    codecKeys,
    place,
    ...serverOptions
  }: {
    /** A server that others use too, and a namespace on it. By default a server of its own. */
    readonly place?: { readonly server: TestServer; readonly namespace: string };
    /** True if passkeys can be enrolled. The register is read before every decision, as the bundle is. */
    readonly enrols?: boolean;
    /** True if people may come from sources. Their snapshots are read before every decision, as the bundle is. */
    readonly sourced?: boolean;
    readonly worker?: boolean;
    /** True if earlier requests count, as in production. Most tests repeat the same request, so the default is false. `grants`: only grants are recorded. */
    readonly remembers?: boolean | 'grants';
    /** Where the ledger lies, if not where the target is. */
    readonly ledgerUrl?: string;
    readonly codecKeys?: string;
  } & TestServerOptions = {}): Promise<Harness> {
    quietRuntime();
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-request-'));
    const [server, postgres, bundleDir] = await Promise.all([
      place?.server ?? startTestServer(serverOptions),
      startPostgres(),
      provideExampleBundle(stateDir),
    ]);
    await makeAccounts(postgres, bundleDir);
    const ticketsFile = path.join(stateDir, 'tickets.yaml');
    writeFileSync(ticketsFile, TICKETS.map((ticket) => `- ${ticket}\n`).join(''));
    const connection = await Connection.connect({ address: server.address });
    const dataConverter = {
      payloadConverterPath: require.resolve('../../src/workflows/payload-converter'),
      payloadCodecs: configuredCodecs(codecKeys),
    };
    const namespace = place?.namespace ?? 'default';
    const temporal = new Client({ connection, dataConverter, namespace });
    const about = [stateDir, bundleDir, ticketsFile, codecKeys, namespace] as const;
    const harness = new Harness(server, postgres, temporal, ...about);
    if (remembers !== false) harness.#ledger = new PostgresqlLedger({ url: ledgerUrl ?? postgres.url });
    harness.#forgetsAsks = remembers === 'grants';
    if (enrols)
      harness.#register = new Register({ url: postgres.url, logger: SILENT_LOGGER, nowMs: manyLooks() });
    if (sourced)
      harness.#snapshots = new SnapshotStore({
        url: postgres.url,
        logger: SILENT_LOGGER,
        nowMs: manyLooks(),
      });
    if (worker) await harness.startWorker();
    return harness;
  }

  /**
   * Starts a worker in this process. It reads the bundle's folder before every decision.
   * @param before runs before each such read
   */
  async startWorker(before: () => Promise<void> = async () => undefined): Promise<void> {
    const source = await this.bundles(SILENT_LOGGER);
    const bundles = { current: () => before().then(() => source.current()) };
    const connection = await NativeConnection.connect({ address: this.server.address });
    const connector = new PostgresqlConnector({ url: this.postgres.url });
    const changes = new ExecutionTokenConnector({ url: this.postgres.url });
    const connectors = new Map<string, Connector>([
      ['warehouse', connector],
      ['changes', changes],
    ]);
    const worker = await createWorker({
      connection,
      namespace: this.namespace,
      taskQueue: TASK_QUEUE,
      bundles,
      connectors,
      ...(this.#ledger && { ledger: this.workerLedger }),
      maxCachedWorkflows: 200,
      workflowBundle: builtWorkflowBundle(),
      payloadCodecs: configuredCodecs(this.codecKeys),
    });
    this.#native = connection;
    this.#connectors = [...connectors.values()];
    this.#worker = { worker, ended: worker.run() };
  }

  /** A bundle source that reads the folder at every call, or when it would by this clock. */
  async bundles(logger: Parameters<typeof createBundleSource>[1]['logger'], nowMs = manyLooks()) {
    const tickets = new FileTicketSource(this.ticketsFile);
    const root = await createBundleSource(this.bundle.dir, { tickets, logger, nowMs });
    const files = this.#snapshots === undefined ? root : withSources(root, this.#snapshots, logger);
    return this.#register === undefined ? files : withRegister(files, this.#register, logger);
  }

  /** The register of enrolled passkeys. Throws if the harness has none. */
  get register(): Register {
    if (this.#register === undefined) throw new Error('this harness has no register');
    return this.#register;
  }

  async stopWorker(): Promise<void> {
    this.#worker?.worker.shutdown();
    await this.#worker?.ended;
    await this.#native?.close();
    await Promise.all(this.#connectors.map((connector) => connector.close()));
    this.#worker = undefined;
    this.#native = undefined;
    this.#connectors = [];
  }

  /** Returns true if the database says that an account holds a role now. */
  async holds(account: string, role: string): Promise<boolean> {
    const [row] = await this.postgres.query("SELECT pg_has_role($1, $2, 'MEMBER') AS held", [account, role]);
    return row?.['held'] === true;
  }

  /** Returns the target's lease rows of a request; empty before the connector first acts. */
  async leases(requestId: string): Promise<readonly Record<string, unknown>[]> {
    const [table] = await this.postgres.query("SELECT to_regclass('countersign.lease') AS name");
    if (table?.['name'] == null) return [];
    return this.postgres.query('SELECT * FROM countersign.lease WHERE lease_id = $1', [requestId]);
  }

  /** The ledger, past requests outside Temporal. Throws if the harness has none. */
  get ledger(): PostgresqlLedger {
    if (this.#ledger === undefined) throw new Error('this harness has no ledger');
    return this.#ledger;
  }

  /** The ledger as the worker sees it. */
  get workerLedger(): Ledger {
    const { ledger } = this;
    if (!this.#forgetsAsks) return ledger;
    return {
      ...FORGETFUL,
      granted: (entry) => ledger.granted(entry),
      neverGranted: (given) => ledger.neverGranted(given),
      over: (request, atMs) => ledger.over(request, atMs),
      grantOf: (digest) => ledger.grantOf(digest),
      signed: (...about) => ledger.signed(...about),
    };
  }

  async stop(): Promise<void> {
    await this.stopWorker();
    await this.#ledger?.close();
    await this.#register?.close();
    await this.#snapshots?.close();
    await this.temporal.connection.close();
    await this.server.stop();
    this.postgres.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

/** A clock by which every look is long after the one before, so that nothing is believed to be unchanged. */
function manyLooks(): () => number {
  let looks = 0;
  return () => {
    looks += 1;
    return looks * 10_000;
  };
}

let installed = false;

/** Keeps the worker's info messages out of the test report. */
function quietRuntime(): void {
  if (installed) return;
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'ERROR' } } });
  installed = true;
}

async function makeAccounts(postgres: TestPostgres, bundleDir: string): Promise<void> {
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const roles = ROLES.map((role) => `CREATE ROLE ${role} NOLOGIN;`);
  const accounts = loaded.bundle.accounts.map((account) => `CREATE ROLE ${account} LOGIN;`);
  await postgres.query([...roles, ...accounts].join('\n'));
}
