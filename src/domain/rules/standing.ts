import { conflictsOf, type Party } from '../assessment';
import { replacementsAmong } from '../path-change';
import {
  assuranceMeets,
  GOVERNANCE_ROLES,
  hasAnyRole,
  isHuman,
  type PrincipalId,
  RECORDER_ROLE,
  strongerAssurance,
} from '../principal';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../refusal';
import { relationsNamedIn } from '../request';
import { pathsOf, rescuersOf, stagesOf } from '../stages';
import { assessmentOf, type ReadState } from '../state';
import type { VerifiedStatement } from '../statement';
import type { VerbDescriptor } from '../verbs/descriptor';

/**
 * Checks that the signer is active, a person if the verb is for people only (TTA-7), and signed it unless the verb may be chosen in
 * a channel.
 */
export function checkStanding(
  { signer, statement, assurance, channel }: VerifiedStatement,
  verb: VerbDescriptor,
): Result<void> {
  if (!signer.active) return refused('DISABLED_IDENTITY', `${signer.id} is disabled or past its end date`);
  if (verb.openTo === 'people' && !isHuman(signer))
    return refused('NOT_HUMAN', `${signer.id} is not a person; only people may ${statement.verb}`);
  if (assurance === 'channel' && !verb.openToChannels)
    return refused('WEAK_ASSURANCE', `nobody can ${statement.verb} in ${channel}; it has to be signed`);
  return accepted(undefined);
}

/**
 * Refuses anyone in conflict with the request: its requester, its beneficiary, the sponsors and owners of
 * either, and everyone on its on-behalf-of chain (OVR-3). Returns undefined for others.
 */
export function refuseParties(state: ReadState, id: PrincipalId): Refusal | undefined {
  const relations = new Set([...relationsNamedIn(state.submission.request, id), ...conflictsIn(state, id)]);
  if (relations.size === 0) return undefined;
  return { code: 'CONFLICTED', detail: `${id} is the ${[...relations].join(' and ')} of this request` };
}

/** Returns the relations in which the assessment says that someone is in conflict with the request. */
export function conflictsIn(state: ReadState, id: PrincipalId): readonly Party['relation'][] {
  const assessment = assessmentOf(state);
  return assessment === undefined ? [] : conflictsOf(assessment, id);
}

/**
 * Returns whose own request the statement ends: the signer's, or that of a gateway's caller. A gateway may attest this as it
 * attests who asked, because it can only take access away.
 */
export function endsAs({ signer, statement }: VerifiedStatement): PrincipalId {
  const attests = !isHuman(signer) && hasAnyRole(signer, [RECORDER_ROLE]);
  return attests && statement.reporter !== undefined ? statement.reporter : signer.id;
}

/** Returns true if someone has changed, tried to change, or endorsed a change of the path of this request. */
export function isRescuer(state: ReadState, id: PrincipalId): boolean {
  return rescuersOf(state).includes(id);
}

/** Returns true if someone could decide this request by any of its paths, as a delegate too, or was put in by a reroute. */
export function isApprover(state: ReadState, id: PrincipalId): boolean {
  const stages = pathsOf(state).flatMap((path) => path.stages);
  return (
    stages.some((stage) => stage.eligible.includes(id)) ||
    stages.some((stage) => stage.delegations?.some(({ to }) => to === id)) ||
    replacementsAmong(state.pathChanges).some(({ record }) => record.with === id)
  );
}

/** The rescue role has no approval authority at all (OVR-3). */
export function refuseRescuers(state: ReadState, { signer }: VerifiedStatement): Refusal | undefined {
  if (isRescuer(state, signer.id))
    return { code: 'CONFLICTED', detail: `${signer.id} has rerouted this request and cannot decide it` };
  if (hasAnyRole(signer, GOVERNANCE_ROLES))
    return { code: 'NOT_ELIGIBLE', detail: `${signer.id} holds a governance role, which cannot approve` };
  return undefined;
}

/**
 * Checks that the signer holds a governance role, is not in conflict (OVR-2, OVR-3), and signs as strongly as the path
 * demands of its approvers: those who can put people in must not be easier to impersonate than them (OVR-6).
 */
export function checkGovernor(
  state: ReadState,
  { signer, statement: { verb }, assurance }: VerifiedStatement,
): Result<void> {
  if (!hasAnyRole(signer, GOVERNANCE_ROLES))
    return refused('NOT_GOVERNANCE', `${signer.id} holds no governance role and cannot ${verb}`);
  const conflict = refuseParties(state, signer.id);
  if (conflict) return refusedBy(conflict);
  if (isApprover(state, signer.id))
    return refused('CONFLICTED', `${signer.id} is an approver of this request and cannot ${verb} it`);
  const stages = stagesOf(state).map((stage) => stage.assurance);
  const needed = stages.reduce(strongerAssurance, 'channel');
  if (!assuranceMeets(assurance, needed))
    return refused('WEAK_ASSURANCE', `who would ${verb} it needs ${needed}, this came by ${assurance}`);
  return accepted(undefined);
}
