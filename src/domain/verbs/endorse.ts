import type { PrincipalId } from '../principal';
import { accepted, type Result, refused } from '../refusal';
import { checkGovernor } from '../rules/standing';
import { type RequestState, type RerouteInState, type SwitchInState, stageNamed } from '../state';
import { switched } from './path-switch';
import { refuseDecided, replaced } from './replacement';
import type { VerbRule } from './verb-rule';

/** A second governor puts a proposed change of the path of privileged access into force (OVR-8). */
export const endorse: VerbRule = (state, facts, atMs) => {
  const governor = checkGovernor(state, facts);
  if (!governor.ok) return governor;
  const { statement, signer } = facts;
  const isMeant = (one: RerouteInState | SwitchInState) =>
    one.phase === 'proposed' && one.jti === statement.endorses;
  const replacement = state.reroutes.find(isMeant);
  const change = state.switches?.find(isMeant);
  if (state.status !== 'awaiting_approval') return nothingToEndorse;
  if (replacement !== undefined) return endorseReplacement(state, replacement, signer.id, atMs);
  if (change === undefined) return nothingToEndorse;
  if (signer.id === change.by) return takesPart(signer.id);
  const { phase: _proposed, endorsedBy: _nobody, ...record } = change;
  return accepted(switched(state, record, atMs, signer.id));
};

function endorseReplacement(
  state: RequestState,
  proposed: RerouteInState,
  by: PrincipalId,
  atMs: number,
): ReturnType<VerbRule> {
  if (by === proposed.by || by === proposed.replace || by === proposed.with) return takesPart(by);
  const stage = stageNamed(state, proposed.stage);
  // Things may have moved on between the proposal and its endorsement.
  if (stage === undefined) return nothingToEndorse;
  const decided = refuseDecided(state, stage, proposed.replace);
  if (decided) return { ok: false, refusal: decided };
  const { phase: _proposed, endorsedBy: _nobody, ...reroute } = proposed;
  return accepted(replaced(state, reroute, atMs, by));
}

const nothingToEndorse: Result<never> = refused('NOT_NOW', 'there is no such reroute awaiting endorsement');

const takesPart = (id: PrincipalId): Result<never> =>
  refused('CONFLICTED', `${id} takes part in this reroute and cannot endorse it`);
