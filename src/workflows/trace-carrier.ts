import type { Headers, WorkflowInterceptors } from '@temporalio/workflow';
import { proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import { readTraceHeader, TRACE_HEADER, traceHeader } from '../contracts/traceparent';

/** Tells the worker that a run is over whose caller supplied a trace. */
export interface TraceSinks extends Sinks {
  countersignTrace: { ran(traceparent: string): void };
}

/**
 * Passes the caller's trace on to the activities. The workflow never reads it, and sends the server the same commands with
 * it and without.
 */
export function interceptors(): WorkflowInterceptors {
  let traceparent: string | undefined;
  const carrying = <Input extends { readonly headers: Headers }>(input: Input): Input =>
    traceparent === undefined
      ? input
      : { ...input, headers: { ...input.headers, [TRACE_HEADER]: traceHeader(traceparent) } };
  return {
    inbound: [
      {
        execute: (input, next) => {
          traceparent = readTraceHeader(input.headers);
          return traceparent === undefined ? next(input) : next(input).finally(() => tellEnd(traceparent));
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next(carrying(input)),
        scheduleLocalActivity: (input, next) => next(carrying(input)),
        continueAsNew: (input, next) => next(carrying(input)),
      },
    ],
  };
}

function tellEnd(traceparent: string | undefined): void {
  if (traceparent === undefined || workflowInfo().unsafe.isReplaying) return;
  proxySinks<TraceSinks>().countersignTrace.ran(traceparent);
}
