import type { WorkflowClientInterceptor } from '@temporalio/client';
import { requestIdOf } from '../contracts/names';
import { TRACE_HEADER, traceHeader } from '../contracts/traceparent';
import type { SpanAbout, Tracing } from './tracing';

/** Spans for what a client asks of Temporal; a start hands its trace on to the workflow. */
export function tracedClient(tracing: Tracing): WorkflowClientInterceptor {
  return {
    startWithDetails: (input, next) =>
      tracing.span(`start ${input.workflowType}`, about(input.options.workflowId), () => {
        const traceparent = tracing.current();
        const headers =
          traceparent === undefined
            ? input.headers
            : { ...input.headers, [TRACE_HEADER]: traceHeader(traceparent) };
        return next({ ...input, headers });
      }),
    startUpdate: (input, next) =>
      tracing.span(`update ${input.updateName}`, about(input.workflowExecution.workflowId), () =>
        next(input),
      ),
    signal: (input, next) =>
      tracing.span(`signal ${input.signalName}`, about(input.workflowExecution.workflowId), () =>
        next(input),
      ),
  };
}

/** The id of the request, by which the trace of an approval is found beside the trace of what it approves. */
function about(workflowId: string | undefined): SpanAbout {
  const id = requestIdOf(workflowId ?? '');
  return { kind: 'client', ...(id !== undefined && { attributes: { 'countersign.request.id': id } }) };
}
