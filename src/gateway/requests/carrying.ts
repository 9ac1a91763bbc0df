import { CountersignError } from '../../client';
import { HttpProblem, profileProblem } from '../http/problem';

/**
 * Calls Temporal through the client. Returns undefined for the tolerated code.
 *
 * @throws HttpProblem `missing` if there is no such request, 409 and 400 for the caller's mistakes, 503 if Temporal cannot be reached
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
      throw profileProblem('duplicate_request', 'a request with this id exists already');
    if (error.code === 'INVALID_REQUEST' || error.code === 'INVALID_STATEMENT')
      throw new HttpProblem(400, error.message.slice(0, 600));
    throw new HttpProblem(503, 'requests cannot be reached now; try again', {
      headers: { 'Retry-After': '2' },
    });
  }
}
