import { CountersignError } from '../contracts/error';
import { GatewayError } from '../enforcement';
import { UserError } from './output';

/**
 * Runs a call to a gateway, and says what went wrong with it.
 *
 * @throws UserError with the gateway's code, or CountersignError `UNREACHABLE`, `NOT_FOUND`, `NOT_ANSWERING`
 */
export async function calling<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CountersignError || error instanceof UserError) throw error;
    if (!(error instanceof GatewayError))
      throw new CountersignError('UNREACHABLE', 'the gateway does not answer; check --gateway', {
        cause: error,
      });
    const { status, message, code } = error;
    if (code !== undefined) throw new UserError(`${code}: ${message}`, 1, code);
    const ours =
      status === 404 ? 'NOT_FOUND' : status >= 500 || status === 429 ? 'NOT_ANSWERING' : 'INVALID_REQUEST';
    throw new CountersignError(ours, `the gateway: ${message}`, { cause: error });
  }
}
