import { ServiceError } from '@temporalio/client';
import { guard } from '../../../src/client-errors';

/** An error as the gRPC library makes it. */
const grpcError = (code: number) =>
  Object.assign(new Error('from gRPC'), { code, details: '', metadata: {} });

test.each([
  [1, 'a call that was cancelled at its deadline', 'NOT_ANSWERING'],
  [4, 'a deadline that passed', 'NOT_ANSWERING'],
  [9, 'a task queue without pollers', 'NOT_ANSWERING'],
  [14, 'a server that is away', 'UNREACHABLE'],
] as const)('gRPC %s, %s, is told as %s', async (code, _what, told) => {
  const call = () => Promise.reject(new ServiceError('Failed to query Workflow', { cause: grpcError(code) }));
  await expect(guard(call)).rejects.toMatchObject({ code: told });
});
