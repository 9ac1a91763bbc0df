import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, Runtime } from '@temporalio/worker';
import { WORKFLOW_BUNDLE_FILE } from '../src/project';
import { toStderr } from '../src/stack/announce';
import { provideExampleBundle } from '../src/stack/example-bundle';
import { freePort } from '../src/stack/free-port';
import { findTemporalBinary } from '../src/stack/temporal-binary';
import { startTemporalServer, type TemporalServer } from '../src/stack/temporal-server';
import { countersignSide } from './countersign-side';
import { approvalSide, bareLocalSide, bareSide } from './floors/floor-sides';
import { type PostgresTarget, postgresTarget } from './postgres-target';
import { quietLogger } from './quiet';
import type { Side, SideName, WorkerPlace } from './side';
import { WorkerProcess } from './worker-process';

const WORKFLOWS: Readonly<Partial<Record<SideName, string>>> = {
  bare: 'bare-workflow',
  bare_local: 'local-workflow',
  approval: 'approval-workflow',
};

/** A side with what the client needs to know of its worker. */
export interface Standing {
  readonly side: Side;
  readonly place: WorkerPlace;
}

/** One Temporal server, one client in this process, and the places of all workers. */
export class Ground {
  private constructor(
    readonly client: Client,
    readonly server: TemporalServer,
    readonly stateDir: string,
    readonly sides: readonly Standing[],
    readonly postgres: PostgresTarget | undefined,
  ) {}

  static async prepare(): Promise<Ground> {
    Runtime.install({ logger: quietLogger });
    const stateDir = mkdtempSync(path.join(tmpdir(), 'countersign-bench-'));
    const binary = await findTemporalBinary({ announce: toStderr });
    const server = await startTemporalServer({ binary: binary.path, stateDir, port: await freePort() });
    const connection = await Connection.connect({ address: server.address });
    const bundleDir = await provideExampleBundle(stateDir);
    const postgres = await postgresTarget();
    const common = { stateDir, bundleDir, address: server.address, inThread: false };
    const sides: Standing[] = [];
    for (const side of [bareSide, bareLocalSide, approvalSide(stateDir)])
      sides.push({
        side,
        place: { ...common, side: side.name, workflowFile: await bundled(side.name, stateDir) },
      });
    const ours = { ...common, workflowFile: WORKFLOW_BUNDLE_FILE };
    sides.push({ side: countersignSide(stateDir, 'countersign'), place: { ...ours, side: 'countersign' } });
    if (postgres !== undefined)
      sides.push({
        side: countersignSide(stateDir, 'countersign_postgresql'),
        place: { ...ours, side: 'countersign_postgresql', postgresUrl: postgres.url },
      });
    return new Ground(new Client({ connection }), server, stateDir, sides, postgres);
  }

  standing(name: SideName): Standing {
    const found = this.sides.find(({ side }) => side.name === name);
    if (found === undefined) throw new Error(`there is no side ${name}`);
    return found;
  }

  /** Runs work with a worker of each of these sides, all at the same time. */
  async withWorkers<T>(
    standings: readonly Standing[],
    work: (workers: readonly WorkerProcess[]) => Promise<T>,
  ): Promise<T> {
    const workers = await Promise.all(standings.map(({ place }) => WorkerProcess.start(place)));
    try {
      return await work(workers);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  }

  async close(): Promise<void> {
    await this.client.connection.close();
    await this.server.kill();
    this.postgres?.stop();
    rmSync(this.stateDir, { recursive: true, force: true });
  }
}

async function bundled(name: SideName, stateDir: string): Promise<string> {
  const workflowsPath = path.join(__dirname, 'floors', `${WORKFLOWS[name]}.js`);
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: quietLogger });
  const file = path.join(stateDir, `${name}.js`);
  writeFileSync(file, code);
  return file;
}
