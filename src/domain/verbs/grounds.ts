import { accepted, type Result, refused } from '../refusal';
import type { RequestState } from '../state';
import type { VerifiedStatement } from '../statement';

/** Why the path is changed, and by which policy. */
export interface Grounds {
  readonly reasonCode: string;
  readonly ticket: string;
  readonly policyBasis: string;
}

/** Reason code, ticket and policy basis are all there, and all exist (OVR-4); so does an emergency condition (OVR-9). */
export function checkGrounds({ statement, reroute: facts }: VerifiedStatement): Result<Grounds> {
  const { reasonCode, ticket, policyBasis, emergencyCondition } = statement;
  if (reasonCode === undefined || !facts?.reasonCodeListed)
    return refused('MISSING_REASON', 'a reroute needs a reason code from the list in the policy bundle');
  if (ticket === undefined || !facts.ticketFound)
    return refused('MISSING_TICKET', 'a reroute needs a ticket that exists');
  if (policyBasis === undefined || !facts.policyBasisListed)
    return refused('MISSING_POLICY_BASIS', 'a reroute needs the id of a policy that exists');
  if (emergencyCondition !== undefined && facts.emergency?.condition !== emergencyCondition)
    return refused(
      'MISSING_POLICY_BASIS',
      `policy names no condition ${emergencyCondition} under which a reroute is an emergency`,
    );
  return accepted({ reasonCode, ticket, policyBasis });
}

/** What the record of every change of the path says, beside what was changed (OVR-5). */
export function changeRecord(
  state: RequestState,
  { statement, signer, reroute: facts }: VerifiedStatement,
  grounds: Grounds,
) {
  return {
    jti: statement.jti,
    by: signer.id,
    ...grounds,
    policyDigest: facts?.policyDigest ?? state.assessment?.policyDigest ?? '',
    endorsementNeeded: state.assessment?.privileged ?? true,
  };
}

/** One change at a time is proposed: a second could not know what the path will be when it takes effect. */
export const isChangeProposed = ({ reroutes, switches = [] }: RequestState): boolean =>
  [...reroutes, ...switches].some((one) => one.phase === 'proposed');
