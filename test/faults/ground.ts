import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { CountersignClient } from '../../src/client';
import { createConnectors } from '../../src/connectors';
import { addressVariable, settingVariable } from '../../src/connectors/settings';
import { EXAMPLE_BUNDLE_DIR } from '../../src/project';
import { type ChildSpec, type RunningChild, startChild } from '../../src/stack/child-process';
import { provideExampleBundle } from '../../src/stack/example-bundle';
import { baseEnvironment } from '../../src/stack/temporal-server';
import { waitForWorker } from '../../src/stack/worker-ready';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { type GroundKind, startGround, type TargetGround } from '../support/targets/grounds';
import { startTestServer, type TestServer } from '../support/temporal';
import { Cast, selfOf } from './cast';
import type { Plan } from './plan';
import { TargetProxy } from './proxy';
import { IN_TARGET, inBook, type Watched } from './watched';
import type { WorkerProgram } from './worker-program';

const RECONCILE_INTERVAL_MS = 2_000;
/** The largest lag by reconciler: its interval plus thirty seconds (docs/operate/reliability.md). */
export const STATED_LAG_MS = RECONCILE_INTERVAL_MS + 30_000;
const WORKERS = ['a', 'b'] as const;
export type WorkerName = (typeof WORKERS)[number];
const READY_WITHIN_MS = 60_000;

/** What the requests of the lives ask for, by the names that it has in the example bundle. */
const GRANTS = ['reporting_read', 'production_write', 'production_admin'];
const CONNECTOR = 'warehouse';

/** Everything real: a Temporal server, PostgreSQL, a target behind a proxy, and two workers as processes of their own. */
export class Ground {
  readonly client: CountersignClient;
  readonly #workers = new Map<WorkerName, RunningWorker>();
  /** The program that the workers run. Changes when new code is rolled out. */
  program: WorkerProgram | undefined;
  /** What single workers run in place of that. */
  readonly #programs = new Map<WorkerName, WorkerProgram>();

  private constructor(
    readonly stateDir: string,
    readonly bundleDir: string,
    readonly cast: Cast,
    readonly server: TestServer,
    readonly postgres: TestPostgres,
    readonly target: TargetGround,
    /** Leads to the target. */
    readonly proxy: TargetProxy,
    /** Leads to the database of the ledger, which may hold the lease book too. The same proxy if the target is that database. */
    readonly bookProxy: TargetProxy,
    readonly temporal: Client,
  ) {
    this.client = new CountersignClient(temporal);
  }

  /**
   * @param kind of the connector that gives access
   * @param example the bundle from which that of the run is made
   */
  static async prepare(
    plans: readonly Plan[],
    kind: GroundKind = 'postgresql',
    example = EXAMPLE_BUNDLE_DIR,
  ): Promise<Ground> {
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-faults-'));
    const [server, postgres, bundleDir] = await Promise.all([
      startTestServer(),
      startPostgres(),
      provideExampleBundle(stateDir, example),
    ]);
    const cast = new Cast(stateDir);
    await cast.enrol(bundleDir, plans);
    writeFileSync(path.join(stateDir, 'tickets.yaml'), '[OPS-1, INC-1, CHG-7]\n');
    const accounts = plans.map((plan) => selfOf(plan).account);
    const target = await startGround(kind, { accounts, grants: GRANTS, connector: CONNECTOR }, postgres);
    if (kind !== 'postgresql') putOn(target, kind, bundleDir);
    const ownPort = Number(new URL(postgres.url).port);
    const bookProxy = await TargetProxy.open(ownPort);
    const proxy = target.port === ownPort ? bookProxy : await TargetProxy.open(target.port, target);
    await makeTables(kind, target, postgres.url);
    const connection = Connection.lazy({ address: server.address });
    const dataConverter = { payloadConverterPath: require.resolve('../../src/workflows/payload-converter') };
    const temporal = new Client({ connection, dataConverter });
    return new Ground(stateDir, bundleDir, cast, server, postgres, target, proxy, bookProxy, temporal);
  }

  /** Starts both workers and waits until one takes work. */
  async startWorkers(names: readonly WorkerName[] = WORKERS): Promise<void> {
    for (const name of names) await this.startWorker(name);
    await waitForWorker(
      { address: this.server.address, namespace: 'default', taskQueue: 'countersign' },
      { timeoutMs: READY_WITHIN_MS },
    );
  }

  async startWorker(name: WorkerName): Promise<void> {
    if (this.#workers.has(name)) return;
    const program = this.#programOf(name);
    const child = await startChild(this.#specOf(name, program));
    const other = this.#workers.get(name);
    if (other !== undefined) return void (await child.kill());
    this.#workers.set(name, { child, program });
    void child.ended.then(() => {
      if (this.#workers.get(name)?.child === child) this.#workers.delete(name);
    });
  }

  /** Has a worker run another program, and ends the one that runs now (SIGTERM). A storm can start it again meanwhile, so it looks. */
  async replaceWorker(name: WorkerName, program: WorkerProgram): Promise<void> {
    this.#programs.set(name, program);
    while (this.#workers.get(name)?.program !== program) {
      await this.stopWorker(name);
      await this.startWorker(name);
    }
  }

  /** Where the leases lie, for an observer. */
  get watched(): Watched {
    const { holders } = this.target;
    return holders === undefined ? IN_TARGET : inBook(holders, STATED_LAG_MS);
  }

  isRunning(name: WorkerName): boolean {
    return this.#workers.has(name);
  }

  /** SIGKILL. */
  async killWorker(name: WorkerName): Promise<void> {
    await this.#workers.get(name)?.child.kill();
    this.#workers.delete(name);
  }

  async stopWorker(name: WorkerName): Promise<void> {
    await this.#workers.get(name)?.child.stop(8_000);
    this.#workers.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all(WORKERS.map((name) => this.killWorker(name)));
    for (const proxy of [this.proxy, this.bookProxy]) proxy.close();
    await this.temporal.connection.close();
    await this.server.stop();
    await this.target.stop();
    this.postgres.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  #programOf = (name: WorkerName): WorkerProgram => this.#programs.get(name) ?? this.program ?? OWN_WORKER;

  #specOf(name: WorkerName, { file, args, env }: WorkerProgram): ChildSpec {
    return {
      name: `worker-${name}`,
      command: process.execPath,
      args: [file, ...args],
      env: {
        ...this.environment(),
        COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: String(RECONCILE_INTERVAL_MS / 1_000),
        ...env,
      },
      logFile: path.join(this.stateDir, `worker-${name}.log`),
    };
  }

  /** How programs of ours find everything here. */
  environment(): NodeJS.ProcessEnv {
    const book = new URL(this.postgres.url);
    book.port = String(this.bookProxy.port);
    return {
      ...baseEnvironment(),
      TEMPORAL_ADDRESS: this.server.address,
      COUNTERSIGN_BUNDLE: this.bundleDir,
      COUNTERSIGN_TICKETS: path.join(this.stateDir, 'tickets.yaml'),
      COUNTERSIGN_LOG_LEVEL: 'warn',
      [addressVariable('changes')]: book.href,
      COUNTERSIGN_LEDGER_URL: book.href,
      ...variablesOf(this.target.settings(this.proxy.port)),
    };
  }
}

interface RunningWorker {
  readonly child: RunningChild;
  readonly program: WorkerProgram;
}

const OWN_WORKER: WorkerProgram = {
  file: path.resolve(__dirname, '../../src/cli/main.js'),
  args: ['worker'],
  env: {},
};

/** Has the bundle give the same on a target of another kind. */
function putOn(target: TargetGround, kind: GroundKind, bundleDir: string): void {
  const edit = (file: string, change: (text: string) => string) => {
    const where = path.join(bundleDir, file);
    writeFileSync(where, change(readFileSync(where, 'utf8')));
  };
  edit('catalog.yaml', (text) =>
    text
      .replace('kind: postgresql', `kind: ${kind}`)
      .replace(/grant: \{ role: (\w+) \}/g, (_, name) => `grant: ${JSON.stringify(target.grant(name))}`),
  );
  edit('directory.yaml', (text) =>
    text.replace(/warehouse: (\w+)/g, (_, name) => `warehouse: ${JSON.stringify(target.account(name))}`),
  );
}

const variablesOf = (settings: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [settingVariable(CONNECTOR, name), value]),
  );

/** Makes the tables of the leases, as a connector does on its first call. */
async function makeTables(kind: GroundKind, target: TargetGround, leases: string): Promise<void> {
  const env = { ...variablesOf(target.settings(target.port)), COUNTERSIGN_LEASES_URL: leases };
  const connector = (await createConnectors([{ name: CONNECTOR, kind }], env)).get(CONNECTOR);
  await connector?.overdue(0);
  await connector?.close();
}
