import { accepted, type Result, refused } from '../refusal';
import type { AssessedState } from '../state';
import type { VerifiedStatement } from '../statement';

/** Why the path is changed, and by which policy. */
export interface Grounds {
  readonly reasonCode: string;
  readonly ticket: string;
  readonly policyBasis: string;
}

/** Checks that reason code, ticket and policy basis exist (OVR-4), and so does an emergency condition (OVR-9). */
export function checkGrounds({ statement, reroute: check }: VerifiedStatement): Result<Grounds> {
  const { reasonCode, ticket, policyBasis, emergencyCondition } = statement;
  if (reasonCode === undefined || !check?.reasonCodeListed)
    return refused('MISSING_REASON', 'a reroute needs a reason code from the list in the policy bundle');
  if (ticket === undefined || !check.ticketFound)
    return refused('MISSING_TICKET', check.ticketProblem ?? 'a reroute needs a ticket that exists');
  if (policyBasis === undefined || !check.policyBasisListed)
    return refused('MISSING_POLICY_BASIS', 'a reroute needs the id of a policy that exists');
  if (emergencyCondition !== undefined && check.emergency?.condition !== emergencyCondition)
    return refused(
      'MISSING_POLICY_BASIS',
      `policy names no condition ${emergencyCondition} under which a reroute is an emergency`,
    );
  return accepted({ reasonCode, ticket, policyBasis });
}

/** What every change of the path has on record, besides what was changed (OVR-5). */
export function changeRecord(
  { assessment }: AssessedState,
  { statement, signer, reroute: check }: VerifiedStatement,
  grounds: Grounds,
) {
  return {
    jti: statement.jti,
    by: signer.id,
    ...grounds,
    policyDigest: check?.policyDigest ?? assessment.policyDigest,
    endorsementNeeded: assessment.privileged,
  };
}
