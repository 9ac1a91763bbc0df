import type { ApprovalPath } from '../assessment';
import type { DomainEvent, SwitchRecord } from '../event';
import { assuranceMeets } from '../principal';
import { accepted, type Refusal, type Result, refused } from '../refusal';
import { isSoundPath } from '../rules/soundness';
import { isRescuer } from '../rules/standing';
import { currentPath, type RequestState } from '../state';
import type { PathChoice, VerifiedStatement } from '../statement';
import { changeRecord, type Grounds, isChangeProposed } from './grounds';

/**
 * The request goes by another path that policy offers, from its beginning: what was approved on the path it leaves counts
 * no more. When the time is up it returns to where it came from, and what was approved on the other path is void (OVR-7).
 */
export function switchPath(
  state: RequestState,
  facts: VerifiedStatement,
  grounds: Grounds,
  { path: name, untilMs }: PathChoice,
  atMs: number,
): Result<readonly DomainEvent[]> {
  const from = state.assessment?.path;
  const path = facts.reroute?.alternative;
  if (path === undefined || path.name !== name || from === undefined)
    return refused('WOULD_WEAKEN', `policy does not offer the path ${name} for this request`);
  if (isChangeProposed(state)) return refused('NOT_NOW', 'a change of the path awaits endorsement');
  if (currentPath(state) !== from) return refused('NOT_NOW', 'the request goes by another path already');
  const weakness = refuseWeaker(state, facts, from, path);
  if (weakness) return { ok: false, refusal: weakness };
  const change: SwitchRecord = { ...changeRecord(state, facts, grounds), untilMs, from: from.name, path };
  if (change.endorsementNeeded) return accepted([{ type: 'switch_proposed', atMs, change }]);
  return accepted(switched(state, change, atMs));
}

/** The switch takes effect. Replacements in the path that is left end with it. */
export function switched(
  state: RequestState,
  change: SwitchRecord,
  atMs: number,
  endorsedBy?: string,
): readonly DomainEvent[] {
  const replaced = state.reroutes.filter((one) => one.phase === 'in_force');
  const revision = state.revision + replaced.length + 1;
  return [
    ...replaced.map(
      ({ jti }, index): DomainEvent => ({
        type: 'replacement_lapsed',
        atMs,
        jti,
        revision: state.revision + index + 1,
      }),
    ),
    { type: 'path_switched', atMs, change, ...(endorsedBy !== undefined && { endorsedBy }), revision },
  ];
}

/** As many stages, as many people in each, signing as strongly as they had to; and none of them in conflict (OVR-6). */
function refuseWeaker(
  state: RequestState,
  { signer }: VerifiedStatement,
  from: ApprovalPath,
  path: ApprovalPath,
): Refusal | undefined {
  const weaken = (why: string): Refusal => ({ code: 'WOULD_WEAKEN', detail: `path ${path.name} ${why}` });
  if (state.assessment === undefined || !isSoundPath(path, state.assessment))
    return weaken('has a stage that nobody could decide, or somebody in conflict');
  const people = path.stages.flatMap((stage) => stage.eligible);
  if (people.includes(signer.id) || people.some((id) => isRescuer(state, id)))
    return weaken('would be decided by someone who has rerouted this request');
  if (path.stages.length < from.stages.length) return weaken('has fewer stages');
  for (const [index, stage] of from.stages.entries()) {
    const instead = path.stages[index];
    if (instead === undefined || instead.quorum < stage.quorum) return weaken('needs fewer people');
    if (!assuranceMeets(instead.assurance, stage.assurance)) return weaken('takes weaker signatures');
    if (path.stages.some((other) => other.name === stage.name))
      return weaken(`has a stage ${stage.name} too, for which others have been asked`);
  }
  return undefined;
}
