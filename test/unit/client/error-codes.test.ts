import { ServiceError } from '@temporalio/client';
import { guard } from '../../../src/client-errors';

/** An error as the gRPC library makes it. */
const grpcError = (code: number) =>
  Object.assign(new Error('from gRPC'), { code, details: '', metadata: {} });

test.each([
  [1, 'a call cancelled at its deadline', 'NOT_ANSWERING'],
  [4, 'a deadline that passed', 'NOT_ANSWERING'],
  [9, 'a task queue without pollers', 'NOT_ANSWERING'],
  [14, 'a server that is away', 'UNREACHABLE'],
] as const)('gRPC %s, %s, becomes %s', async (code, _what, expected) => {
  const call = () => Promise.reject(new ServiceError('Failed to query Workflow', { cause: grpcError(code) }));
  const server = { address: 'temporal:7233', namespace: 'default' };
  await expect(guard(call, server)).rejects.toMatchObject({ code: expected });
});
