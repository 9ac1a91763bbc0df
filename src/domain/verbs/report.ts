import { hasAnyRole, isHuman, RECORDER_ROLE } from '../principal';
import { accepted, refused } from '../refusal';
import type { VerbRule } from './verb-rule';

/**
 * What became of an approved execution, said by the identity that keeps the record of it (AGE-5). It gives nobody
 * anything: the ledger beside the target says what may still happen, this says what did.
 */
export const report: VerbRule = (state, { signer, statement }, atMs) => {
  if (isHuman(signer) || !hasAnyRole(signer, [RECORDER_ROLE]))
    return refused('NOT_ELIGIBLE', `${signer.id} does not keep the record of executions`);
  const { outcome, reporter, reasonCode } = statement;
  if (outcome === undefined) return refused('MALFORMED', 'a report needs an outcome');
  if (state.submission?.request.kind !== 'execution')
    return refused('NOT_NOW', 'the request is for access; there is no execution to report on');
  if (state.status !== 'active')
    return refused('NOT_NOW', `the request is ${state.status}, not being executed`);
  if (outcome === 'redeemed' && state.execution?.redeemedAtMs !== undefined)
    return refused('NOT_NOW', 'its token has been used');
  if (state.execution?.outcome !== undefined && outcome !== 'redemption_refused')
    return refused('NOT_NOW', `it ${state.execution.outcome}`);
  const about = {
    ...(reporter !== undefined && { reporter }),
    ...(reasonCode !== undefined && { reasonCode }),
  };
  return accepted([{ type: 'execution_reported', atMs, outcome, by: signer.id, ...about }]);
};
