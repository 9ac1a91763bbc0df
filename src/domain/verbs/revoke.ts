import { hasAnyRole, isHuman, REVOKER_ROLES } from '../principal';
import { accepted, refused } from '../refusal';
import { conflictsIn, endsAs } from '../rules/standing';
import type { ReadState } from '../state';
import type { VerifiedStatement } from '../statement';
import { defineVerb } from './descriptor';

/** Ends a grant before its time. Revoking can only take access away, so everyone who answers for the grant may do it. */
export const revoke = defineVerb({
  purpose: 'end access before its time is up',
  openTo: 'anyone',
  closes: true,
  claims: { takes: ['reasonCode', 'ticket', 'reporter'] },
  rule: (state, verified, atMs) => {
    if (!mayRevoke(state, verified))
      return refused(
        'NOT_ELIGIBLE',
        `${verified.signer.id} has no part in this grant and no role to revoke it`,
      );
    if (state.status !== 'active' || state.ending !== undefined)
      return refused('NOT_NOW', 'there is no access to revoke');
    return accepted([{ type: 'ending_ordered', atMs, end: 'revoked', by: endsAs(verified) }]);
  },
});

/**
 * Requester and beneficiary may give access back. Sponsors, owners, approvers and the revoking roles may take it away, if
 * they are people.
 */
function mayRevoke(state: ReadState, verified: VerifiedStatement): boolean {
  const { signer } = verified;
  const { request } = state.submission;
  const own = endsAs(verified);
  if (own === request.requester || own === request.beneficiary) return true;
  if (!isHuman(signer)) return false;
  if (hasAnyRole(signer, REVOKER_ROLES)) return true;
  if (state.approvals.some((approval) => approval.by === signer.id)) return true;
  return conflictsIn(state, signer.id).length > 0;
}
