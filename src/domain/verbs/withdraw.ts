import { accepted, refused } from '../refusal';
import { isPending } from '../state';
import type { VerbRule } from './verb-rule';

/** The requester ends their own pending request. It only ever ends it (OVR-10). */
export const withdraw: VerbRule = (state, { signer }, atMs) => {
  if (signer.id !== state.submission?.request.requester)
    return refused('NOT_ELIGIBLE', `only the requester can withdraw, and ${signer.id} is not`);
  if (!isPending(state)) return refused('NOT_NOW', `the request is ${state.status}, it cannot be withdrawn`);
  return accepted([{ type: 'withdrawn', atMs, by: signer.id }]);
};
