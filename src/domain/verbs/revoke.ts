import { conflictsOf } from '../assessment';
import { hasAnyRole, isHuman, REVOKER_ROLES } from '../principal';
import { accepted, refused } from '../refusal';
import { endsAs } from '../rules/standing';
import type { RequestState } from '../state';
import type { VerifiedStatement } from '../statement';
import type { VerbRule } from './verb-rule';

/** Ends a grant before its time. It can only take access away, so those who answer for it may all do it. */
export const revoke: VerbRule = (state, facts, atMs) => {
  if (!mayRevoke(state, facts))
    return refused('NOT_ELIGIBLE', `${facts.signer.id} has no part in this grant and no role to revoke it`);
  if (state.status !== 'active' || state.ending !== undefined)
    return refused('NOT_NOW', 'there is no access to revoke');
  return accepted([{ type: 'ending_ordered', atMs, end: 'revoked', by: endsAs(facts) }]);
};

/** Requester and beneficiary give back; sponsors, owners and approvers take back; so do the revoking roles. */
function mayRevoke(state: RequestState, facts: VerifiedStatement): boolean {
  const { signer } = facts;
  const request = state.submission?.request;
  const own = endsAs(facts);
  if (own === request?.requester || own === request?.beneficiary) return true;
  if (!isHuman(signer)) return false;
  if (hasAnyRole(signer, REVOKER_ROLES)) return true;
  if (state.approvals.some((approval) => approval.by === signer.id)) return true;
  return state.assessment !== undefined && conflictsOf(state.assessment, signer.id).length > 0;
}
