import { accepted, refused } from '../refusal';
import { endsAs } from '../rules/standing';
import { isPending } from '../state';
import type { VerbRule } from './verb-rule';

/** The requester ends their own pending request. It only ever ends it (OVR-10). */
export const withdraw: VerbRule = (state, facts, atMs) => {
  const by = endsAs(facts);
  if (by !== state.submission?.request.requester)
    return refused('NOT_ELIGIBLE', `only the requester can withdraw, and ${by} is not`);
  if (!isPending(state)) return refused('NOT_NOW', `the request is ${state.status}, it cannot be withdrawn`);
  return accepted([{ type: 'withdrawn', atMs, by }]);
};
