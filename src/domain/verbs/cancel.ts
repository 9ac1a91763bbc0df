import { hasAnyRole, PROCESS_OWNER_ROLE } from '../principal';
import { accepted, refused, refusedBy } from '../refusal';
import { refuseParties } from '../rules/standing';
import { isPending } from '../state';
import { defineVerb } from './descriptor';

/** A process owner ends someone else's pending request. A cancellation can only end it (OVR-10). */
export const cancel = defineVerb({
  purpose: "end someone else's pending request (process owner)",
  closes: true,
  claims: { needs: ['reasonCode'], takes: ['ticket'] },
  rule: (state, { signer, statement }, atMs) => {
    if (!hasAnyRole(signer, [PROCESS_OWNER_ROLE]))
      return refused('NOT_GOVERNANCE', `${signer.id} is not a process owner and cannot cancel`);
    const conflict = refuseParties(state, signer.id);
    if (conflict) return refusedBy(conflict);
    if (statement.reasonCode === undefined)
      return refused('MISSING_REASON', 'a cancellation needs a reason code');
    if (!isPending(state))
      return refused('NOT_NOW', `the request is ${state.status}, it cannot be cancelled`);
    return accepted([{ type: 'cancelled', atMs, by: signer.id }]);
  },
});
