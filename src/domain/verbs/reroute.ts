import { LIMITS } from '../limits';
import { refused } from '../refusal';
import { checkGovernor } from '../rules/standing';
import { checkGrounds } from './grounds';
import { switchPath } from './path-switch';
import { replaceApprover } from './replacement';
import type { VerbRule } from './verb-rule';

/**
 * Governance changes the path of a stalled request for a limited time: it puts another eligible person in an approver's
 * place, or has the request go by another path that policy offers (OVR-2 to OVR-9).
 */
export const reroute: VerbRule = (state, facts, atMs) => {
  const governor = checkGovernor(state, facts);
  if (!governor.ok) return governor;
  const grounds = checkGrounds(facts);
  if (!grounds.ok) return grounds;
  if (state.status !== 'awaiting_approval')
    return refused('NOT_NOW', `the request is ${state.status}, there is no path to change`);
  if (state.reroutes.length + (state.switches?.length ?? 0) >= LIMITS.reroutes)
    return refused('RATE_LIMITED', `a request can be rerouted ${LIMITS.reroutes} times`);
  const { replacement, switchTo, expiresAtMs, emergencyCondition } = facts.statement;
  if ((replacement === undefined) === (switchTo === undefined))
    return refused(
      'MALFORMED',
      'a reroute names either whom to replace by whom, or another path, and until when',
    );
  const isTimely = ({ untilMs }: { readonly untilMs: number }) => atMs < untilMs && untilMs <= expiresAtMs;
  if (![replacement, switchTo].every((change) => change === undefined || isTimely(change)))
    return refused('MALFORMED', 'a reroute ends in the future, and not after the statement itself');
  if (replacement !== undefined) return replaceApprover(state, facts, grounds.value, replacement, atMs);
  if (switchTo === undefined || emergencyCondition !== undefined)
    return refused('MALFORMED', 'an emergency condition lets somebody be put in; it opens no other path');
  return switchPath(state, facts, grounds.value, switchTo, atMs);
};
