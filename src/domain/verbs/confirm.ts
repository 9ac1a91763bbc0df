import { checkLasting } from '../lasting';
import { accepted, refused } from '../refusal';
import { isConfirmationAwaited } from '../stages';
import { assessmentOf } from '../state';
import { defineVerb } from './descriptor';

/**
 * The second control over scope and intent (TTA-4): a named person, such as the sponsor, confirms with another key and
 * over another channel than the request came by.
 */
export const confirm = defineVerb({
  purpose: 'confirm scope and intent, as the sponsor or owner',
  speaksAboutPath: true,
  grantRestsOnIt: true,
  rule: (state, verified, atMs) => {
    const { signer, statement, keyId, channel } = verified;
    const confirmation = assessmentOf(state)?.confirmation;
    if (confirmation === undefined || !confirmation.by.includes(signer.id))
      return refused('NOT_ELIGIBLE', `no confirmation is asked of ${signer.id}`);
    if (signer.id === state.submission.request.requester || keyId === state.recognition?.keyId)
      return refused('CONFLICTED', 'a confirmation comes from another person and key than the request');
    if (channel === state.recognition?.channel)
      return refused(
        'CONFLICTED',
        `a confirmation comes by another channel than the request, which came by ${channel}`,
      );
    if (!isConfirmationAwaited(state) || !['awaiting_approval', 'approved'].includes(state.status))
      return refused('NOT_NOW', `the request is ${state.status}, it awaits no confirmation`);
    const lasting = checkLasting(state, statement, atMs);
    if (!lasting.ok) return lasting;
    const { jti } = statement;
    return accepted([{ type: 'confirmed', atMs, by: signer.id, jti, expiresAtMs: lasting.value }]);
  },
});
