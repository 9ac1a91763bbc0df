import { existsSync, readFileSync } from 'node:fs';
import type { PayloadCodec } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from './activities';
import type { Dependencies } from './activities/dependencies';
import type { Connector } from './connectors/contract';
import type { DirectoryBook } from './directory/directory-book';
import type { Ledger } from './domain/precedents';
import { FORGETFUL } from './ledger';
import type { BundleSource } from './policy/bundle';
import { remembering } from './policy/remembering';
import { WORKFLOW_BUNDLE_FILE } from './project';
import { SignedDirectory } from './signing/signed-directory';
import { watchedActivities } from './telemetry/activity-interceptor';
import { type Recorder, SILENT } from './telemetry/catalogue';
import { FailingEnds } from './telemetry/failing-ends';
import { type Tracing, UNTRACED } from './telemetry/tracing';
import { watchedLedger } from './telemetry/watched-ledger';
import { workerSinks } from './telemetry/worker-sinks';

export interface WorkerOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly bundles: BundleSource;
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Without one, no earlier request, denial or owed review counts; `countersign worker` always has one. */
  readonly ledger?: Ledger;
  readonly maxCachedWorkflows: number;
  /** What encrypts everything that the server stores (src/codec). Must never throw while decoding. */
  readonly payloadCodecs?: readonly PayloadCodec[];
  readonly nowMs?: () => number;
  /** Defaults to the bundle that the build made. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** Where what happens is counted; nowhere without it. */
  readonly recorder?: Recorder;
  /** Where spans go; nowhere without it. */
  readonly tracing?: Tracing;
  /** Runs workflows in this thread, for a debugger, or to measure their heap. */
  readonly debugMode?: boolean;
}

/** A worker over a bundle source and connectors. It runs until its `shutdown` is called. */
export function createWorker(options: WorkerOptions): Promise<Worker> {
  return Worker.create({
    connection: options.connection,
    namespace: options.namespace,
    taskQueue: options.taskQueue,
    workflowBundle: options.workflowBundle ?? builtWorkflowBundle(),
    dataConverter: {
      payloadConverterPath: require.resolve('./workflows/payload-converter'),
      payloadCodecs: [...(options.payloadCodecs ?? [])],
    },
    activities: createActivities(dependenciesOf(options)),
    maxCachedWorkflows: options.maxCachedWorkflows,
    ...telemetryOf(options),
    shutdownGraceTime: '5s',
    ...(options.debugMode && { debugMode: true }),
  });
}

/** The workflow code as the build bundled it. */
export function builtWorkflowBundle(): WorkflowBundleOption {
  if (!existsSync(WORKFLOW_BUNDLE_FILE))
    throw new Error(`${WORKFLOW_BUNDLE_FILE} is missing; run npm run build`);
  return { code: readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8') };
}

/** What listens to a worker. One that nobody listens to has no interceptors at all. */
function telemetryOf({ connectors, recorder = SILENT, tracing = UNTRACED, nowMs = Date.now }: WorkerOptions) {
  const sinks = workerSinks({ recorder, tracing, isConnector: (name) => connectors.has(name) });
  if (recorder === SILENT && tracing === UNTRACED) return { sinks };
  const failingEnds = new FailingEnds(recorder, [...connectors.keys()], nowMs);
  return { sinks, interceptors: { activity: [watchedActivities({ recorder, tracing, failingEnds })] } };
}

function dependenciesOf({
  bundles,
  connectors,
  ledger: given = FORGETFUL,
  recorder = SILENT,
  nowMs = Date.now,
}: WorkerOptions): Dependencies {
  const ledger = recorder === SILENT ? given : watchedLedger(given, recorder);
  // One directory object for each version of the book, so that imported keys are kept as long as it is current.
  const directories = new WeakMap<DirectoryBook, SignedDirectory>();
  return {
    nowMs,
    ledger,
    connector: (name) => connectors.get(name),
    authority: async () => {
      const { directory: book, policy } = await bundles.current();
      const directory = directories.get(book) ?? new SignedDirectory(book);
      directories.set(book, directory);
      return { directory, policy: remembering(policy, ledger) };
    },
  };
}
