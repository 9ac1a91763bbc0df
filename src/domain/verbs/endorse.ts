import { accepted, refused } from '../refusal';
import { checkGovernor } from '../rules/standing';
import { stageNamed } from '../state';
import { refuseDecided } from './reroute';
import type { VerbRule } from './verb-rule';

/** A second governor puts a proposed reroute of privileged access into force (OVR-8). */
export const endorse: VerbRule = (state, facts, atMs) => {
  const governor = checkGovernor(state, facts);
  if (!governor.ok) return governor;
  const { statement, signer } = facts;
  const proposed = state.reroutes.find((one) => one.phase === 'proposed' && one.jti === statement.endorses);
  if (state.status !== 'awaiting_approval' || proposed === undefined)
    return refused('NOT_NOW', 'there is no such reroute awaiting endorsement');
  if (signer.id === proposed.by || signer.id === proposed.replace || signer.id === proposed.with)
    return refused('CONFLICTED', `${signer.id} takes part in this reroute and cannot endorse it`);
  const stage = stageNamed(state, proposed.stage);
  // Things may have moved on between the proposal and its endorsement.
  const decided = stage && refuseDecided(state, stage, proposed.replace);
  if (decided) return { ok: false, refusal: decided };
  const { phase: _proposed, endorsedBy: _nobody, ...reroute } = proposed;
  const revision = state.revision + 1;
  return accepted([{ type: 'rerouted', atMs, reroute, endorsedBy: signer.id, revision }]);
};
