import { forceEvents, type PathChange } from '../path-change';
import type { PrincipalId } from '../principal';
import { accepted, type Refused, refused, refusedBy } from '../refusal';
import { checkGovernor } from '../rules/standing';
import { stageNamed } from '../stages';
import type { AssessedState } from '../state';
import { defineVerb } from './descriptor';
import { refuseDecided } from './replacement';

/** A second governor puts a proposed change of the path of privileged access into force (OVR-8). */
export const endorse = defineVerb({
  purpose: 'put a proposed reroute into force (second governor)',
  speaksAboutPath: true,
  claims: { needs: ['endorses'] },
  rule: (state, verified, atMs) => {
    const governor = checkGovernor(state, verified);
    if (!governor.ok) return governor;
    const { statement, signer } = verified;
    const change = state.pathChanges.find(
      ({ phase, record }) => phase === 'proposed' && record.jti === statement.endorses,
    );
    if (change === undefined || state.status !== 'awaiting_approval') return nothingToEndorse;
    if (takesPart(change, signer.id))
      return refused('CONFLICTED', `${signer.id} takes part in this reroute and cannot endorse it`);
    return refuseOvertaken(state, change) ?? accepted(forceEvents(state, change, atMs, signer.id));
  },
});

function takesPart({ kind, record }: PathChange, id: PrincipalId): boolean {
  return id === record.by || (kind === 'replacement' && (id === record.replace || id === record.with));
}

/** Refuses a replacement at a stage that has changed since it was proposed. Returns undefined if it still fits. */
function refuseOvertaken(state: AssessedState, { kind, record }: PathChange): Refused | undefined {
  if (kind === 'switch') return undefined;
  const stage = stageNamed(state, record.stage);
  if (stage === undefined) return nothingToEndorse;
  const decided = refuseDecided(state, stage, record.replace);
  return decided && refusedBy(decided);
}

const nothingToEndorse: Refused = refused('NOT_NOW', 'there is no such reroute awaiting endorsement');
