import { accepted, refused } from '../refusal';
import { refuseParties } from '../rules/standing';
import { isPending, isReviewOwed, participantsIn, reviewersOf } from '../state';
import type { VerbRule } from './verb-rule';

/** An independent person's verdict on a grant that was made on the promise of a review (EMG-3). */
export const review: VerbRule = (state, { signer, statement }, atMs) => {
  const conflict = refuseParties(state, signer.id);
  if (conflict) return { ok: false, refusal: conflict };
  if (participantsIn(state).includes(signer.id))
    return refused('CONFLICTED', `${signer.id} took part in the decision and cannot review it`);
  if (!reviewersOf(state).includes(signer.id))
    return refused('NOT_ELIGIBLE', `${signer.id} is not a reviewer of this request`);
  const { verdict } = statement;
  if (verdict === undefined) return refused('MALFORMED', 'a review needs a verdict');
  if (!isReviewOwed(state)) return refused('NOT_NOW', 'no review is owed');
  // Whoever reviewed now could still take part in what is reviewed.
  if (isPending(state))
    return refused(
      'NOT_NOW',
      `the request is ${state.status}; what happens can be reviewed when it is decided`,
    );
  return accepted([{ type: 'reviewed', atMs, by: signer.id, verdict }]);
};
