import { isStartAwaited } from '../lasting';
import { accepted } from '../refusal';
import type { StatementCheck } from '../statement';
import { checkAnyDecider, checkDecider } from './approve';
import { defineVerb } from './descriptor';

/**
 * One eligible person denies the request, which ends it. Nobody can outvote that. Those of every stage can, while an approved
 * request waits for its start.
 */
export const deny = defineVerb({
  purpose: 'deny the request, which ends it',
  speaksAboutPath: true,
  speaksAboutStage: true,
  openToChannels: true,
  closes: true,
  claims: { takes: ['stage', 'reasonCode', 'ticket', 'offer'] },
  rule: (state, verified, atMs) => {
    const eligible = isStartAwaited(state) ? checkAnyDecider(state, verified) : checkDecider(state, verified);
    return eligible.ok ? accepted([{ type: 'denied', atMs, by: verified.signer.id }]) : eligible;
  },
});

/**
 * Refuses a denial that says nothing of why (WEB-7): it needs a reason code or a comment. Asked when a statement is taken in,
 * not by the rule, because denials that earlier versions took count as they did then.
 */
export function refuseUnreasoned(check: StatementCheck): StatementCheck {
  if (!check.verified) return check;
  const { verb, iss, jti, reasonCode, comment } = check.facts.statement;
  if (verb !== 'deny' || reasonCode !== undefined || comment !== undefined) return check;
  const detail = 'a denial needs a reason code or a comment, which the requester reads';
  const refusal = { code: 'MISSING_REASON', detail } as const;
  return { verified: false, attempt: { refusal, claimedVerb: verb, claimedIssuer: iss, claimedId: jti } };
}
