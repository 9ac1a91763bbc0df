import { accepted, refused } from '../refusal';
import { isConfirmationAwaited } from '../state';
import type { VerbRule } from './verb-rule';

/**
 * The second control over scope and intent (TTA-4): a named person, such as the sponsor, confirms by another key and
 * another channel than those the request came by.
 */
export const confirm: VerbRule = (state, facts, atMs) => {
  const { signer, statement, keyId, channel } = facts;
  const confirmation = state.assessment?.confirmation;
  if (confirmation === undefined || !confirmation.by.includes(signer.id))
    return refused('NOT_ELIGIBLE', `no confirmation is asked of ${signer.id}`);
  const request = state.submission?.request;
  if (signer.id === request?.requester || keyId === state.recognition?.keyId)
    return refused('CONFLICTED', 'a confirmation comes from another person and key than the request');
  if (channel === state.recognition?.channel)
    return refused(
      'CONFLICTED',
      `a confirmation comes by another channel than the request, which came by ${channel}`,
    );
  if (!isConfirmationAwaited(state) || !['awaiting_approval', 'approved'].includes(state.status))
    return refused('NOT_NOW', `the request is ${state.status}, it awaits no confirmation`);
  return accepted([
    { type: 'confirmed', atMs, by: signer.id, jti: statement.jti, expiresAtMs: statement.expiresAtMs },
  ]);
};
