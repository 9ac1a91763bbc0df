import { LIMITS } from '../limits';
import { forceEvents, proposedEvent, type RequestedChange } from '../path-change';
import { accepted, type Result, refused } from '../refusal';
import { checkGovernor } from '../rules/standing';
import type { AssessedState } from '../state';
import type { VerifiedStatement } from '../statement';
import { defineVerb } from './descriptor';
import { checkGrounds, type Grounds } from './grounds';
import { checkSwitch } from './path-switch';
import { checkReplacement } from './replacement';

/**
 * Governance changes the path of a stalled request for a limited time: it puts another eligible person in an approver's
 * place, or moves the request to another path that policy offers (OVR-2 to OVR-9).
 */
export const reroute = defineVerb({
  purpose: 'replace an approver, or take another approval path, for a limited time (governance)',
  speaksAboutPath: true,
  claims: {
    needs: ['reasonCode', 'ticket', 'policyBasis'],
    needsOneOf: ['replacement', 'switchTo'],
    takes: ['stage', 'emergencyCondition'],
  },
  rule: (state, verified, atMs) => {
    const governor = checkGovernor(state, verified);
    if (!governor.ok) return governor;
    const grounds = checkGrounds(verified);
    if (!grounds.ok) return grounds;
    if (state.status !== 'awaiting_approval')
      return refused('NOT_NOW', `the request is ${state.status}, there is no path to change`);
    if (state.pathChanges.length >= LIMITS.reroutes)
      return refused('RATE_LIMITED', `a request can be rerouted ${LIMITS.reroutes} times`);
    const { replacement, switchTo, expiresAtMs } = verified.statement;
    if ((replacement === undefined) === (switchTo === undefined))
      return refused(
        'MALFORMED',
        'a reroute names either whom to replace by whom, or another path, and until when',
      );
    const isTimely = ({ untilMs }: { readonly untilMs: number }) => atMs < untilMs && untilMs <= expiresAtMs;
    if (![replacement, switchTo].every((change) => change === undefined || isTimely(change)))
      return refused('MALFORMED', 'a reroute ends in the future, and not after the statement itself');
    const change = changeAskedFor(state, verified, grounds.value);
    if (!change.ok) return change;
    return accepted(
      change.value.record.endorsementNeeded
        ? [proposedEvent(change.value, atMs)]
        : forceEvents(state, change.value, atMs),
    );
  },
});

function changeAskedFor(
  state: AssessedState,
  verified: VerifiedStatement,
  grounds: Grounds,
): Result<RequestedChange> {
  const { replacement, switchTo, emergencyCondition } = verified.statement;
  if (replacement !== undefined) {
    const record = checkReplacement(state, verified, grounds, replacement);
    return record.ok ? accepted({ kind: 'replacement', record: record.value }) : record;
  }
  if (switchTo === undefined || emergencyCondition !== undefined)
    return refused('MALFORMED', 'an emergency condition lets somebody be put in; it opens no other path');
  const record = checkSwitch(state, verified, grounds, switchTo);
  return record.ok ? accepted({ kind: 'switch', record: record.value }) : record;
}
