import {
  isGrpcServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { CountersignError } from './contracts/error';

const GRPC_CANCELLED = 1;
const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_NOT_FOUND = 5;
const GRPC_FAILED_PRECONDITION = 9;
/** A query finds no worker (failed precondition), or one that is stuck; the server, or we, stop waiting for it first. */
const UNANSWERED: readonly number[] = [GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_FAILED_PRECONDITION];

/** Runs a call to the server and turns what can go wrong into errors with stable codes. */
export async function guard<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw publicError(error);
  }
}

function publicError(error: unknown): CountersignError {
  if (error instanceof CountersignError) return error;
  if (error instanceof WorkflowExecutionAlreadyStartedError)
    return new CountersignError('ALREADY_SUBMITTED', 'a request with this id exists; ask under a new id');
  if (error instanceof WorkflowNotFoundError)
    return new CountersignError('NOT_FOUND', 'there is no such open request; it never was, or it is over', {
      cause: error,
    });
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError)
    return new CountersignError(
      'NOT_ANSWERING',
      'no certain answer: the request ended, or its target has not heard of it yet; look at it (countersign request show)',
      {
        cause: error,
      },
    );
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new CountersignError(
      'NOT_ANSWERING',
      'no answer in time; is a worker running, and the target up? What was said may be on record (countersign request show)',
    );
  const cause = { cause: error };
  const grpcCode = grpcCodeOf(error);
  if (grpcCode === GRPC_NOT_FOUND)
    return new CountersignError('NOT_FOUND', 'there is no such request', cause);
  if (grpcCode !== undefined && UNANSWERED.includes(grpcCode))
    return new CountersignError(
      'NOT_ANSWERING',
      'no worker answered; is one running? (countersign worker)',
      cause,
    );
  return new CountersignError(
    'UNREACHABLE',
    'cannot reach Temporal; check TEMPORAL_ADDRESS and the server',
    cause,
  );
}

/** The gRPC status of an error, or of what it was made from. */
function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && error.cause !== undefined ? grpcCodeOf(error.cause) : undefined;
}
