import { digestOf } from '../../domain/digest';
import type { AccessRequest } from '../../domain/request';
import type { VerifiedRequest } from '../../verified/verify-request';
import { TASK_STATUS } from '../requests/task-view';

/** What the other side is told of a question. */
export interface Review {
  readonly state: 'approved' | 'rejected';
  /** Our own words and codes. What people wrote stays behind the link. */
  readonly reason: string;
}

/**
 * Returns what the other side is told, or undefined while the request is undecided. Only a request that verifies, is exactly the expected one, and
 * gives access at this moment, is an approval.
 *
 * @param expected the request that the question becomes, by its id, without the time at which it was submitted
 */
export function reviewOf(read: VerifiedRequest, expected: (id: string) => object): Review | undefined {
  if (!read.holds) return undefined;
  const { request, view } = read;
  if (!isAbout(request, expected(request.id)))
    return { state: 'rejected', reason: 'the request is about something else' };
  const status = TASK_STATUS[view.status];
  if (status === 'pending') return undefined;
  // A gateway reaches no target: the ledger's record of the grant is its proof that access was given.
  if (view.status === 'active') return { state: 'approved', reason: howApproved(view.assessment) };
  if (status === 'approved') return { state: 'rejected', reason: `the approval is over (${view.status})` };
  const codes = view.assessment?.reasonCodes ?? [];
  const decided = view.decisions?.findLast(({ reasonCode }) => reasonCode !== undefined)?.reasonCode;
  const code = status === 'denied' && view.status === 'denied' ? decided : codes[0];
  return { state: 'rejected', reason: code === undefined ? view.status : `${view.status}: ${code}` };
}

const howApproved = (assessment: { readonly outcome: string } | undefined): string =>
  assessment?.outcome === 'permit' ? 'permitted by policy' : 'approved by people';

/** Compares everything in the request but the time at which it was submitted. */
const isAbout = ({ submittedAtMs: _, ...request }: AccessRequest, expected: object): boolean =>
  digestOf(request) === digestOf(expected);
