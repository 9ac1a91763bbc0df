import { defined } from '../defined';
import { hasAnyRole, isHuman, RECORDER_ROLE } from '../principal';
import { accepted, refused } from '../refusal';
import { defineVerb } from './descriptor';

/**
 * The identity that records executions reports what became of an approved one (AGE-5). A report gives nobody access: the
 * record beside the target says what may still happen, a report says what did.
 */
export const report = defineVerb({
  purpose: 'record what became of an approved execution (the identity that keeps the record)',
  openTo: 'machines',
  claims: { needs: ['outcome'], takes: ['reasonCode', 'reporter'] },
  rule: (state, { signer, statement }, atMs) => {
    if (isHuman(signer) || !hasAnyRole(signer, [RECORDER_ROLE]))
      return refused('NOT_ELIGIBLE', `${signer.id} does not keep the record of executions`);
    const { outcome, reporter, reasonCode } = statement;
    if (outcome === undefined) return refused('MALFORMED', 'a report needs an outcome');
    if (state.submission.request.kind !== 'execution')
      return refused('NOT_NOW', 'the request is for access; there is no execution to report on');
    if (state.status !== 'active')
      return refused('NOT_NOW', `the request is ${state.status}, not being executed`);
    if (outcome === 'redeemed' && state.execution?.redeemedAtMs !== undefined)
      return refused('NOT_NOW', 'its token has been used');
    if (state.execution?.outcome !== undefined && outcome !== 'redemption_refused')
      return refused('NOT_NOW', `it ${state.execution.outcome}`);
    const about = defined({ reporter, reasonCode });
    return accepted([{ type: 'execution_reported', atMs, outcome, by: signer.id, ...about }]);
  },
});
