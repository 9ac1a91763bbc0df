import { existsSync, readFileSync } from 'node:fs';
import type { PayloadCodec } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from './activities';
import type { Dependencies } from './activities/dependencies';
import type { Connector } from './connectors/contract';
import type { Ledger } from './domain/precedents';
import { FORGETFUL } from './ledger';
import { authorityOver } from './policy/authority';
import type { BundleSource } from './policy/bundle';
import { WORKFLOW_BUNDLE_FILE } from './project';
import { watchedActivities } from './telemetry/activity-interceptor';
import { type MetricsSink, NO_METRICS } from './telemetry/catalogue';
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
  /** Without it, no earlier request, denial or owed review counts. `countersign worker` always has one. */
  readonly ledger?: Ledger;
  readonly maxCachedWorkflows: number;
  /** Encrypt everything that the server stores (src/codec). Must never throw while decoding. */
  readonly payloadCodecs?: readonly PayloadCodec[];
  readonly nowMs?: () => number;
  /** Defaults to the bundle that the build made. */
  readonly workflowBundle?: WorkflowBundleOption;
  /** Where metrics go. Without it, none are recorded. */
  readonly metrics?: MetricsSink;
  /** Where spans go. Without it, none are recorded. */
  readonly tracing?: Tracing;
  /** Runs workflows in this thread, for a debugger or to measure their heap. */
  readonly debugMode?: boolean;
}

/**
 * Creates a worker. Its `run` resolves after its `shutdown` is called.
 *
 * @throws if the workflow bundle is missing, or Temporal cannot be reached
 */
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

/** The workflow code as the build bundled it. @throws if there was no build */
export function builtWorkflowBundle(): WorkflowBundleOption {
  if (!existsSync(WORKFLOW_BUNDLE_FILE))
    throw new Error(`${WORKFLOW_BUNDLE_FILE} is missing; run npm run build`);
  return { code: readFileSync(WORKFLOW_BUNDLE_FILE, 'utf8') };
}

/** Sinks and interceptors for metrics and traces. There are no interceptors if neither is wanted. */
function telemetryOf({
  connectors,
  metrics = NO_METRICS,
  tracing = UNTRACED,
  nowMs = Date.now,
}: WorkerOptions) {
  const sinks = workerSinks({ metrics, tracing, isConnector: (name) => connectors.has(name) });
  if (metrics === NO_METRICS && tracing === UNTRACED) return { sinks };
  const failingEnds = new FailingEnds(metrics, [...connectors.keys()], nowMs);
  return { sinks, interceptors: { activity: [watchedActivities({ metrics, tracing, failingEnds })] } };
}

function dependenciesOf({
  bundles,
  connectors,
  ledger: plainLedger = FORGETFUL,
  metrics = NO_METRICS,
  nowMs = Date.now,
}: WorkerOptions): Dependencies {
  const ledger = metrics === NO_METRICS ? plainLedger : watchedLedger(plainLedger, metrics);
  return {
    nowMs,
    ledger,
    connector: (name) => connectors.get(name),
    authority: authorityOver(bundles, ledger),
  };
}
