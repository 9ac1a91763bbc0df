import {
  Connection,
  type ConnectionOptions,
  isGrpcServiceError,
  QueryNotRegisteredError,
  QueryRejectedError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { NamespaceNotFoundError } from '@temporalio/common';
import { CountersignError } from './contracts/error';
import { whyUnreachable } from './unreachable';

const GRPC_CANCELLED = 1;
const GRPC_DEADLINE_EXCEEDED = 4;
const GRPC_NOT_FOUND = 5;
const GRPC_FAILED_PRECONDITION = 9;
/** The server found no worker for a query (failed precondition), or the worker is stuck and somebody stopped waiting. */
const UNANSWERED: readonly number[] = [GRPC_CANCELLED, GRPC_DEADLINE_EXCEEDED, GRPC_FAILED_PRECONDITION];

const GRPC_PERMISSION_DENIED = 7;
const GRPC_UNAUTHENTICATED = 16;

/** The server that a call went to, for messages. */
interface Server {
  readonly address: string;
  readonly namespace: string;
}

/**
 * Connects to a Temporal server.
 *
 * @throws CountersignError `UNREACHABLE` with the address and the cause
 */
export async function connectTo(options: ConnectionOptions): Promise<Connection> {
  try {
    return await Connection.connect(options);
  } catch (error) {
    const { address = 'localhost:7233' } = options;
    const refusal = refusedCredentials(error, address);
    throw new CountersignError('UNREACHABLE', refusal ?? (await whyUnreachable(options)), { cause: error });
  }
}

/** Runs a call to the server. Throws only `CountersignError`, with a stable code. */
export async function guard<T>(call: () => Promise<T>, server: Server): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw publicError(error, server);
  }
}

function publicError(error: unknown, { address, namespace }: Server): CountersignError {
  if (error instanceof CountersignError) return error;
  if (error instanceof WorkflowExecutionAlreadyStartedError)
    return new CountersignError(
      'ALREADY_SUBMITTED',
      'a request with this id exists; submit it under a new id',
    );
  if (error instanceof WorkflowNotFoundError)
    return new CountersignError(
      'NOT_FOUND',
      'there is no open request with this id; it never existed, or it is over',
      {
        cause: error,
      },
    );
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError)
    return new CountersignError(
      'NOT_ANSWERING',
      'no certain answer: the request ended, or its target has not recorded the end yet; look at it (countersign request show)',
      {
        cause: error,
      },
    );
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
    return new CountersignError(
      'NOT_ANSWERING',
      'no answer in time; check that a worker runs and the target is up. The statement may still count (countersign request show)',
    );
  const cause = { cause: error };
  // A workflow of somebody else's can have the id of a request, and answer as it likes.
  if (error instanceof QueryNotRegisteredError || error instanceof QueryRejectedError)
    return new CountersignError(
      'NOT_ANSWERING',
      'what runs under this id does not answer as a request',
      cause,
    );
  const grpcCode = grpcCodeOf(error);
  if (lacksNamespace(error))
    return new CountersignError(
      'UNREACHABLE',
      `Temporal at ${address} has no namespace ${namespace}; check TEMPORAL_NAMESPACE`,
      cause,
    );
  if (grpcCode === GRPC_NOT_FOUND)
    return new CountersignError('NOT_FOUND', 'there is no request with this id', cause);
  if (grpcCode !== undefined && UNANSWERED.includes(grpcCode))
    return new CountersignError('NOT_ANSWERING', 'no worker answered; start one (countersign worker)', cause);
  const refusal = refusedCredentials(error, address);
  const lost = `the connection to Temporal at ${address} is lost; check the server and TEMPORAL_ADDRESS`;
  return new CountersignError('UNREACHABLE', refusal ?? lost, cause);
}

function refusedCredentials(error: unknown, address: string): string | undefined {
  const grpcCode = grpcCodeOf(error);
  if (grpcCode !== GRPC_PERMISSION_DENIED && grpcCode !== GRPC_UNAUTHENTICATED) return undefined;
  return `Temporal at ${address} refuses these credentials; check TEMPORAL_API_KEY or TEMPORAL_TLS_*`;
}

function lacksNamespace(error: unknown): boolean {
  if (error instanceof NamespaceNotFoundError) return true;
  return error instanceof Error && error.cause !== undefined && lacksNamespace(error.cause);
}

/** The gRPC status of an error or of the nearest cause that has one; undefined if none has. */
function grpcCodeOf(error: unknown): number | undefined {
  if (isGrpcServiceError(error)) return error.code;
  return error instanceof Error && error.cause !== undefined ? grpcCodeOf(error.cause) : undefined;
}
