import { CountersignError } from '../../client';
import { HttpProblem, profileProblem } from '../http/problem';

/**
 * Talks to Temporal. What the caller cannot help is a 503; with `tolerate`, that one code is no answer instead, and with a
 * problem, that is what is said of a request that is not there.
 */
export function carrying<T>(call: () => Promise<T>, missing?: HttpProblem): Promise<T>;
export function carrying<T>(call: () => Promise<T>, tolerate: 'NOT_ANSWERING'): Promise<T | undefined>;
export async function carrying<T>(
  call: () => Promise<T>,
  tolerate?: 'NOT_ANSWERING' | HttpProblem,
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === tolerate) return undefined;
    const isMissing = error.code === 'NOT_FOUND' || error.code === 'INVALID_REQUEST';
    if (isMissing && tolerate instanceof HttpProblem) throw tolerate;
    if (error.code === 'ALREADY_SUBMITTED')
      throw profileProblem('duplicate_request', 'it is being taken in already');
    if (error.code === 'INVALID_REQUEST' || error.code === 'INVALID_STATEMENT')
      throw new HttpProblem(400, error.message.slice(0, 600));
    throw new HttpProblem(503, 'requests cannot be reached now; try again', {
      headers: { 'Retry-After': '2' },
    });
  }
}
