import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { VMWorkflowThreadProxy } from '@temporalio/worker/lib/workflow/threaded-vm';
import { workflowIdOf } from '../src/contracts/names';
import type { Bundle, BundleSource } from '../src/policy/bundle';
import type { Tracing } from '../src/telemetry/tracing';
import { nowMs } from './clock';
import type { Span } from './side';

/** Notes when the parts of each workflow's life began and ended in this process. */
export class SpanNotes {
  #spans: Span[] = [];

  /** Returns what was noted since the last call. */
  take(): readonly Span[] {
    const spans = this.#spans;
    this.#spans = [];
    return spans;
  }

  async span<T>(workflowId: string, name: string, work: () => Promise<T>): Promise<T> {
    const beganMs = nowMs();
    try {
      return await work();
    } finally {
      this.#spans.push({ workflowId, name, beganMs, endedMs: nowMs() });
    }
  }

  /**
   * Times each activation, from when the SDK hands it to the thread that runs workflows until that answers. The SDK has no
   * interceptor there, so this replaces a method of a class that is not part of its interface. A bench may do so.
   */
  watchActivations(): void {
    const workflowIds = new Map<string, string>();
    const note = this.span.bind(this);
    const { create } = VMWorkflowThreadProxy;
    const { activate } = VMWorkflowThreadProxy.prototype;
    VMWorkflowThreadProxy.create = (thread, options) => {
      workflowIds.set(options.info.runId, options.info.workflowId);
      return create.call(VMWorkflowThreadProxy, thread, options);
    };
    VMWorkflowThreadProxy.prototype.activate = function (activation) {
      return note(workflowIds.get(this.runId) ?? this.runId, 'activation', () =>
        activate.call(this, activation),
      );
    };
  }

  /** For the workers of the floors. */
  activities(): ActivityInterceptorsFactory {
    return ({ info }) => ({
      inbound: {
        execute: (input, next) =>
          this.span(info.workflowExecution?.workflowId ?? '', info.activityType, () => next(input)),
      },
    });
  }

  /** For our worker, which makes a span of each activity. */
  tracing(): Tracing {
    return {
      span: (name, { attributes = {} }, work) =>
        this.span(
          workflowIdOf(String(attributes['countersign.request.id'])),
          name.replace('activity ', ''),
          () => work(() => undefined),
        ),
      current: () => undefined,
      stop: async () => undefined,
    };
  }

  /** Times what policy takes inside of an activity. */
  policyOf(bundles: BundleSource): BundleSource {
    const timed = new WeakMap<Bundle, Bundle>();
    return {
      current: async () => {
        const bundle = await bundles.current();
        const known = timed.get(bundle) ?? this.#timed(bundle);
        timed.set(bundle, known);
        return known;
      },
    };
  }

  #timed(bundle: Bundle): Bundle {
    const { policy } = bundle;
    const timed: Bundle['policy'] = {
      digest: policy.digest,
      entryOf: (request, atMs) => policy.entryOf(request, atMs),
      checkReroute: (...asked) => policy.checkReroute(...asked),
      assess: (request, ...more) => {
        const beganMs = nowMs();
        const assessment = policy.assess(request, ...more);
        this.#spans.push({ workflowId: workflowIdOf(request.id), name: 'policy', beganMs, endedMs: nowMs() });
        return assessment;
      },
    };
    return { ...bundle, policy: timed };
  }
}
