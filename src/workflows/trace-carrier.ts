import type { Headers, WorkflowInterceptors } from '@temporalio/workflow';
import { proxySinks, type Sinks, workflowInfo } from '@temporalio/workflow';
import { readTraceHeader, TRACE_HEADER, traceHeader } from '../contracts/traceparent';

/** Where a worker hears that a run is over, of a request whose caller has a trace. */
export interface TraceSinks extends Sinks {
  countersignTrace: { ran(traceparent: string): void };
}

/**
 * Hands the trace of whoever asked on to the activities. It is carried and never looked at, the commands to the server
 * are the same with it and without, and where there is none nothing is done at all.
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
