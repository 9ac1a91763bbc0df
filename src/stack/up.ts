import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { addressVariable } from '../connectors';
import { FileTicketSource, loadBundle } from '../policy';
import type { Announce } from './announce';
import { type EmbeddedTarget, startEmbeddedTarget } from './embedded-target';
import { provideExampleBundle } from './example-bundle';
import { tryPidLock } from './pid-lock';
import { Supervisor } from './supervisor';
import { findTemporalBinary } from './temporal-binary';
import { waitForTemporal } from './temporal-ready';
import { baseEnvironment, TEMPORAL_STOPS_WITHIN_MS, temporalServerSpec } from './temporal-server';

export interface StackOptions {
  readonly stateDir: string;
  /** A bundle of one's own; without it the example bundle is used, with keys made for it. */
  readonly bundleDir?: string;
  readonly temporalPort: number;
  readonly uiPort?: number;
  readonly targetPort: number;
  readonly taskQueue: string;
  readonly announce: Announce;
}

/** The embedded stack: Temporal dev server, embedded target, worker. */
export interface Stack {
  readonly stateDir: string;
  readonly temporalAddress: string;
  readonly uiUrl?: string;
  readonly targetUrl: string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  pids(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const WORKER_STOPS_WITHIN_MS = 8_000;
const READY_WITHIN_MS = 60_000;
const MAIN = path.resolve(__dirname, '..', 'cli', 'main.js');

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
  const supervisor = new Supervisor(options.announce);
  let target: EmbeddedTarget | undefined;
  const stop = async () => {
    await supervisor.stop();
    await target?.stop();
    attempt.lock.release();
  };
  try {
    const bundleDir = options.bundleDir ?? (await provideExampleBundle(stateDir));
    const accounts = await accountsOf(bundleDir);
    const binary = await findTemporalBinary({ announce: options.announce });
    const server = { binary: binary.path, stateDir, port: options.temporalPort };
    await supervisor.run(
      temporalServerSpec(options.uiPort === undefined ? server : { ...server, uiPort: options.uiPort }),
      TEMPORAL_STOPS_WITHIN_MS,
    );
    const temporalAddress = `127.0.0.1:${options.temporalPort}`;
    target = await startEmbeddedTarget({ stateDir, port: options.targetPort, accounts });
    await waitForTemporal({ address: temporalAddress, namespace: 'default', timeoutMs: READY_WITHIN_MS });
    const ticketsFile = path.join(stateDir, 'tickets.yaml');
    if (!existsSync(ticketsFile))
      writeFileSync(ticketsFile, '# Tickets that a reroute may name\n- OPS-1\n- INC-1\n');
    await supervisor.run(
      workerSpec(options, { stateDir, bundleDir, ticketsFile, temporalAddress, target }),
      WORKER_STOPS_WITHIN_MS,
    );
    await waitForWorker(temporalAddress, options.taskQueue);
    return {
      stateDir,
      temporalAddress,
      ...(options.uiPort !== undefined && { uiUrl: `http://127.0.0.1:${options.uiPort}` }),
      targetUrl: target.url,
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

/** Accounts of the warehouse that the embedded target must have. A bad bundle is found here, before anything starts. */
async function accountsOf(bundleDir: string): Promise<readonly string[]> {
  const loaded = await loadBundle(bundleDir, new FileTicketSource(undefined));
  if (!loaded.ok)
    throw new Error(
      loaded.problems.map(({ file, line, message }) => `${file}:${line}: ${message}`).join('; '),
    );
  return loaded.bundle.accounts;
}

interface WorkerPlace {
  readonly stateDir: string;
  readonly bundleDir: string;
  readonly ticketsFile: string;
  readonly temporalAddress: string;
  readonly target: EmbeddedTarget;
}

function workerSpec({ taskQueue }: StackOptions, place: WorkerPlace) {
  return {
    name: 'worker',
    command: process.execPath,
    args: [MAIN, 'worker'],
    env: {
      ...baseEnvironment(),
      TEMPORAL_ADDRESS: place.temporalAddress,
      COUNTERSIGN_STATE_DIR: place.stateDir,
      COUNTERSIGN_BUNDLE: place.bundleDir,
      COUNTERSIGN_TICKETS: place.ticketsFile,
      COUNTERSIGN_TASK_QUEUE: taskQueue,
      COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '5',
      [addressVariable('warehouse')]: place.target.url,
    },
    logFile: path.join(place.stateDir, 'logs', 'worker.log'),
  };
}

/** Waits until a worker polls the task queue. */
async function waitForWorker(address: string, taskQueue: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const untilMs = Date.now() + READY_WITHIN_MS;
  try {
    while (Date.now() < untilMs) {
      const { pollers } = await connection.workflowService.describeTaskQueue({
        namespace: 'default',
        taskQueue: { name: taskQueue },
        taskQueueType: 1,
      });
      if (pollers.length > 0) return;
      await sleep(100);
    }
  } finally {
    await connection.close();
  }
  throw new Error('the worker did not start; its log is logs/worker.log in the state folder');
}
