import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { CountersignClient } from '../../src/client';
import { addressVariable } from '../../src/connectors/settings';
import { type ChildSpec, type RunningChild, startChild } from '../../src/stack/child-process';
import { provideExampleBundle } from '../../src/stack/example-bundle';
import { baseEnvironment } from '../../src/stack/temporal-server';
import { waitForWorker } from '../../src/stack/worker-ready';
import { makeLeaseTables } from '../support/lease-rows';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { startTestServer, type TestServer } from '../support/temporal';
import { Cast, selfOf } from './cast';
import type { Plan } from './plan';
import { TargetProxy } from './proxy';
import type { WorkerProgram } from './worker-program';

export const RECONCILE_INTERVAL_MS = 2_000;
const WORKERS = ['a', 'b'] as const;
export type WorkerName = (typeof WORKERS)[number];
const READY_WITHIN_MS = 60_000;

/** Everything real: a Temporal server, a PostgreSQL target behind a proxy, and two workers as processes of their own. */
export class Ground {
  readonly client: CountersignClient;
  readonly #workers = new Map<WorkerName, RunningChild>();
  /** The program that the workers run. Changes when new code is rolled out. */
  program: WorkerProgram | undefined;

  private constructor(
    readonly stateDir: string,
    readonly bundleDir: string,
    readonly cast: Cast,
    readonly server: TestServer,
    readonly postgres: TestPostgres,
    readonly proxy: TargetProxy,
    readonly temporal: Client,
  ) {
    this.client = new CountersignClient(temporal);
  }

  static async prepare(plans: readonly Plan[]): Promise<Ground> {
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-faults-'));
    const [server, postgres, bundleDir] = await Promise.all([
      startTestServer(),
      startPostgres(),
      provideExampleBundle(stateDir),
    ]);
    const cast = new Cast(stateDir);
    await cast.enrol(bundleDir, plans);
    writeFileSync(path.join(stateDir, 'tickets.yaml'), '[OPS-1, INC-1, CHG-7]\n');
    const accounts = plans.map((plan) => `CREATE ROLE ${selfOf(plan).account} LOGIN;`);
    const roles = ['reporting_read', 'production_write', 'production_admin'].map(
      (role) => `CREATE ROLE ${role};`,
    );
    await postgres.query([...roles, ...accounts].join('\n'));
    await makeLeaseTables(postgres.url);
    const proxy = await TargetProxy.open(Number(new URL(postgres.url).port));
    const connection = Connection.lazy({ address: server.address });
    const dataConverter = { payloadConverterPath: require.resolve('../../src/workflows/payload-converter') };
    const temporal = new Client({ connection, dataConverter });
    return new Ground(stateDir, bundleDir, cast, server, postgres, proxy, temporal);
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
    const child = await startChild(this.#specOf(name));
    const other = this.#workers.get(name);
    if (other !== undefined) return void (await child.kill());
    this.#workers.set(name, child);
    void child.ended.then(() => {
      if (this.#workers.get(name) === child) this.#workers.delete(name);
    });
  }

  isRunning(name: WorkerName): boolean {
    return this.#workers.has(name);
  }

  /** SIGKILL. */
  async killWorker(name: WorkerName): Promise<void> {
    await this.#workers.get(name)?.kill();
    this.#workers.delete(name);
  }

  async stopWorker(name: WorkerName): Promise<void> {
    await this.#workers.get(name)?.stop(8_000);
    this.#workers.delete(name);
  }

  async close(): Promise<void> {
    await Promise.all(WORKERS.map((name) => this.killWorker(name)));
    this.proxy.close();
    await this.temporal.connection.close();
    await this.server.stop();
    this.postgres.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  #specOf(name: WorkerName): ChildSpec {
    const target = new URL(this.postgres.url);
    target.port = String(this.proxy.port);
    const { file, args, env } = this.program ?? {
      file: path.resolve(__dirname, '../../src/cli/main.js'),
      args: ['worker'],
      env: {},
    };
    return {
      name: `worker-${name}`,
      command: process.execPath,
      args: [file, ...args],
      env: {
        ...baseEnvironment(),
        TEMPORAL_ADDRESS: this.server.address,
        COUNTERSIGN_BUNDLE: this.bundleDir,
        COUNTERSIGN_TICKETS: path.join(this.stateDir, 'tickets.yaml'),
        COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: String(RECONCILE_INTERVAL_MS / 1_000),
        COUNTERSIGN_LOG_LEVEL: 'warn',
        [addressVariable('warehouse')]: target.href,
        [addressVariable('changes')]: target.href,
        ...env,
      },
      logFile: path.join(this.stateDir, `worker-${name}.log`),
    };
  }
}
