import { hasAnyRole, PROCESS_OWNER_ROLE } from '../principal';
import { accepted, refused } from '../refusal';
import { refuseParties } from '../rules/standing';
import { isPending } from '../state';
import type { VerbRule } from './verb-rule';

/** A process owner ends a pending request of others. It only ever ends it (OVR-10). */
export const cancel: VerbRule = (state, { signer, statement }, atMs) => {
  if (!hasAnyRole(signer, [PROCESS_OWNER_ROLE]))
    return refused('NOT_GOVERNANCE', `${signer.id} is not a process owner and cannot cancel`);
  const conflict = refuseParties(state, signer.id);
  if (conflict) return { ok: false, refusal: conflict };
  if (statement.reasonCode === undefined)
    return refused('MISSING_REASON', 'a cancellation needs a reason code');
  if (!isPending(state)) return refused('NOT_NOW', `the request is ${state.status}, it cannot be cancelled`);
  return accepted([{ type: 'cancelled', atMs, by: signer.id }]);
};
