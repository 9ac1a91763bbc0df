import { accepted, refused } from '../refusal';
import { endsAs } from '../rules/standing';
import { isPending } from '../state';
import { defineVerb } from './descriptor';

/** The requester ends their own pending request. A withdrawal can only end it (OVR-10). */
export const withdraw = defineVerb({
  purpose: 'end your own pending request',
  openTo: 'anyone',
  closes: true,
  claims: { takes: ['reasonCode', 'reporter'] },
  rule: (state, verified, atMs) => {
    const by = endsAs(verified);
    if (by !== state.submission.request.requester)
      return refused('NOT_ELIGIBLE', `only the requester can withdraw, and ${by} is not`);
    if (!isPending(state))
      return refused('NOT_NOW', `the request is ${state.status}, it cannot be withdrawn`);
    return accepted([{ type: 'withdrawn', atMs, by }]);
  },
});
