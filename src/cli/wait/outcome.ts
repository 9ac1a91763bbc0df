import type { RequestStanding } from '../../enforcement';

/** How waiting for a decision ended. */
export type Ending = 'approved' | 'not_approved' | 'lapsed' | 'undecided' | 'unknown';

/** Exit codes of `countersign wait`. Scripts rely on them. 2 is wrong usage. */
export const EXIT_CODES: Readonly<Record<Ending, number>> = {
  approved: 0,
  unknown: 1,
  not_approved: 3,
  lapsed: 4,
  undecided: 5,
};

export interface Outcome {
  readonly ending: Ending;
  readonly says: string;
}

/**
 * Returns how a request was decided, or undefined while it waits for policy, for people or for the target. What the gateway did not
 * derive from signatures and policy is never an approval.
 */
export function outcomeOf(standing: RequestStanding): Outcome | undefined {
  const { status, gone, proof, until, next } = standing;
  if (gone !== undefined) return { ending: 'unknown', says: `the request goes on no further: ${gone.says}` };
  if (isPending(standing)) return undefined;
  if (proof?.holds !== true)
    return {
      ending: 'unknown',
      says: `the request is ${status} by the server's word alone, which is no proof`,
    };
  if (status === 'active')
    return { ending: 'approved', says: until === undefined ? 'approved' : `approved; access until ${until}` };
  if (status === 'approved')
    return {
      ending: 'approved',
      says: next === undefined ? 'approved' : `approved; ${next.what} at ${next.at}`,
    };
  if (standing.execution?.outcome === 'succeeded')
    return { ending: 'approved', says: 'approved, and carried out' };
  if (status === 'lapsed') return { ending: 'lapsed', says: 'not approved: nobody decided in time' };
  const over = ['expired', 'revoked', 'closed'].includes(status);
  return {
    ending: 'not_approved',
    says: over ? `no access is left: the request is ${status}` : `not approved: the request is ${status}`,
  };
}

const PENDING: readonly string[] = ['submitted', 'assessing', 'awaiting_approval', 'provisioning'];

/** Access that is approved and begins later waits for nobody. Otherwise `approved` waits for the target. */
const isPending = ({ status, awaiting, request }: RequestStanding): boolean =>
  PENDING.includes(status) ||
  (status === 'approved' && (awaiting.length > 0 || request.notBeforeMs === undefined));
