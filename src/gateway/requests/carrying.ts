import { CountersignError } from '../../client';
import { HttpProblem, profileProblem } from '../http/problem';

/** Talks to Temporal. What the caller cannot help is a 503; with `tolerate`, that one code is no answer instead. */
export function carrying<T>(call: () => Promise<T>): Promise<T>;
export function carrying<T>(call: () => Promise<T>, tolerate: 'NOT_ANSWERING'): Promise<T | undefined>;
export async function carrying<T>(
  call: () => Promise<T>,
  tolerate?: 'NOT_ANSWERING',
): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    if (error.code === tolerate) return undefined;
    if (error.code === 'ALREADY_SUBMITTED')
      throw profileProblem('duplicate_request', 'it is being taken in already');
    if (error.code === 'INVALID_REQUEST') throw new HttpProblem(400, error.message.slice(0, 600));
    throw new HttpProblem(503, 'requests cannot be reached now; try again', {
      headers: { 'Retry-After': '2' },
    });
  }
}
