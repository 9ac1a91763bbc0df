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
    // The journal is for who replays a history to verify it; here nobody listens.
    sinks: { countersignJournal: { record: { fn: () => undefined, callDuringReplay: false } } },
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

function dependenciesOf({
  bundles,
  connectors,
  ledger = FORGETFUL,
  nowMs = Date.now,
}: WorkerOptions): Dependencies {
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
