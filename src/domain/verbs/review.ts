import { accepted, refused, refusedBy } from '../refusal';
import { refuseParties } from '../rules/standing';
import { participantsIn, reviewersOf } from '../stages';
import { isPending, isReviewOwed } from '../state';
import { defineVerb } from './descriptor';

/** An independent person gives a verdict on a grant that was made on condition of a review (EMG-3). */
export const review = defineVerb({
  purpose: 'give a verdict on an emergency grant',
  closes: true,
  claims: { needs: ['verdict'], takes: ['ticket'] },
  rule: (state, { signer, statement }, atMs) => {
    const conflict = refuseParties(state, signer.id);
    if (conflict) return refusedBy(conflict);
    if (participantsIn(state).includes(signer.id))
      return refused('CONFLICTED', `${signer.id} took part in the decision and cannot review it`);
    if (!reviewersOf(state).includes(signer.id))
      return refused('NOT_ELIGIBLE', `${signer.id} is not a reviewer of this request`);
    const { verdict } = statement;
    if (verdict === undefined) return refused('MALFORMED', 'a review needs a verdict');
    if (!isReviewOwed(state)) return refused('NOT_NOW', 'no review is owed');
    // Someone who reviewed now could still take part in the decision that they review.
    if (isPending(state))
      return refused(
        'NOT_NOW',
        `the request is ${state.status}; what happens can be reviewed when it is decided`,
      );
    return accepted([{ type: 'reviewed', atMs, by: signer.id, verdict }]);
  },
});
