import type { ApprovalPath } from '../assessment';
import type { SwitchRecord } from '../event';
import { assuranceMeets } from '../principal';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../refusal';
import { isSoundPath } from '../rules/soundness';
import { isRescuer } from '../rules/standing';
import { currentPath, takesMoreChannels } from '../stages';
import type { AssessedState } from '../state';
import type { PathChoice, VerifiedStatement } from '../statement';
import { changeRecord, type Grounds } from './grounds';

/**
 * Checks a move of the request to another path that policy offers. The request starts that path from the beginning: approvals
 * on the path it leaves no longer count. When the time is up it returns, and approvals on the other path become void (OVR-7).
 */
export function checkSwitch(
  state: AssessedState,
  verified: VerifiedStatement,
  grounds: Grounds,
  { path: name, untilMs }: PathChoice,
): Result<SwitchRecord> {
  const from = state.assessment.path;
  const path = verified.reroute?.alternative;
  if (path === undefined || path.name !== name || from === undefined)
    return refused('WOULD_WEAKEN', `policy does not offer the path ${name} for this request`);
  // A second proposal could not know the path on which it would take effect.
  if (state.pathChanges.some(({ phase }) => phase === 'proposed'))
    return refused('NOT_NOW', 'a change of the path awaits endorsement');
  if (currentPath(state) !== from) return refused('NOT_NOW', 'the request goes by another path already');
  const weakness = refuseWeaker(state, verified, from, path);
  if (weakness) return refusedBy(weakness);
  return accepted({ ...changeRecord(state, verified, grounds), untilMs, from: from.name, path });
}

/**
 * Refuses a path with fewer stages, fewer people in a stage, weaker signatures, or someone in conflict (OVR-6). Returns
 * undefined if the path is no weaker.
 */
function refuseWeaker(
  state: AssessedState,
  { signer }: VerifiedStatement,
  from: ApprovalPath,
  path: ApprovalPath,
): Refusal | undefined {
  const weaken = (why: string): Refusal => ({ code: 'WOULD_WEAKEN', detail: `path ${path.name} ${why}` });
  if (!isSoundPath(path, state.assessment))
    return weaken('has a stage that nobody could decide, or somebody in conflict');
  const people = path.stages.flatMap((stage) => stage.eligible);
  if (people.includes(signer.id) || people.some((id) => isRescuer(state, id)))
    return weaken('would be decided by someone who has rerouted this request');
  if (path.stages.length < from.stages.length) return weaken('has fewer stages');
  for (const [index, stage] of from.stages.entries()) {
    const instead = path.stages[index];
    if (instead === undefined || instead.quorum < stage.quorum) return weaken('needs fewer people');
    if (!assuranceMeets(instead.assurance, stage.assurance)) return weaken('takes weaker signatures');
    if (takesMoreChannels(instead, stage)) return weaken('takes choices made in more channels');
    if (path.stages.some((other) => other.name === stage.name))
      return weaken(`has a stage ${stage.name} too, for which others have been asked`);
  }
  return undefined;
}
