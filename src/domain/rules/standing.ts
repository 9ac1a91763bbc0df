import { conflictsOf } from '../assessment';
import {
  assuranceMeets,
  GOVERNANCE_ROLES,
  hasAnyRole,
  isHuman,
  type PrincipalId,
  RECORDER_ROLE,
  strongerAssurance,
} from '../principal';
import { accepted, type Refusal, type Result, refused } from '../refusal';
import { relationsNamedIn } from '../request';
import { currentPath, pathsOf, type RequestState, rescuersOf } from '../state';
import type { Verb, VerifiedStatement } from '../statement';

/** Verbs by which authority is used over others. None of them is ever open to a non-human identity (TTA-7). */
const HUMAN_VERBS: readonly Verb[] = ['approve', 'deny', 'confirm', 'reroute', 'endorse', 'cancel', 'review'];

/** The signer is in good standing, and a person where the verb demands one. */
export function checkStanding({ signer, statement }: VerifiedStatement): Result<void> {
  if (!signer.active) return refused('DISABLED_IDENTITY', `${signer.id} is disabled or past its end date`);
  if (HUMAN_VERBS.includes(statement.verb) && !isHuman(signer))
    return refused('NOT_HUMAN', `${signer.id} is not a person; only people may ${statement.verb}`);
  return accepted(undefined);
}

/**
 * Refuses whoever stands in conflict with the request: its requester, its beneficiary, the sponsors and owners of
 * either, and whoever is on its on-behalf-of chain (OVR-3).
 */
export function refuseParties(state: RequestState, id: PrincipalId): Refusal | undefined {
  const request = state.submission?.request;
  const named = request === undefined ? [] : relationsNamedIn(request, id);
  const assessed = state.assessment === undefined ? [] : conflictsOf(state.assessment, id);
  const relations = new Set([...named, ...assessed]);
  if (relations.size === 0) return undefined;
  return { code: 'CONFLICTED', detail: `${id} is the ${[...relations].join(' and ')} of this request` };
}

/**
 * Whose own request is to end: the signer's, or that of the one who has told a gateway so. A gateway may attest this as it
 * attests who asked; it can only take access away.
 */
export function endsAs({ signer, statement }: VerifiedStatement): PrincipalId {
  const attests = !isHuman(signer) && hasAnyRole(signer, [RECORDER_ROLE]);
  return attests && statement.reporter !== undefined ? statement.reporter : signer.id;
}

/** Someone has changed, or tried to change, or endorsed a change of, the path of this request. */
export function isRescuer(state: RequestState, id: PrincipalId): boolean {
  return rescuersOf(state).includes(id);
}

/** Someone could decide this request by a path it has gone by, as a delegate too, or has been put in by a reroute. */
export function isApprover(state: RequestState, id: PrincipalId): boolean {
  const stages = pathsOf(state).flatMap((path) => path.stages);
  return (
    stages.some((stage) => stage.eligible.includes(id)) ||
    stages.some((stage) => stage.delegations?.some(({ to }) => to === id)) ||
    state.reroutes.some((reroute) => reroute.with === id)
  );
}

/** The rescue role has no approval authority at all (OVR-3). */
export function refuseRescuers(state: RequestState, { signer }: VerifiedStatement): Refusal | undefined {
  if (isRescuer(state, signer.id))
    return { code: 'CONFLICTED', detail: `${signer.id} has rerouted this request and cannot decide it` };
  if (hasAnyRole(signer, GOVERNANCE_ROLES))
    return { code: 'NOT_ELIGIBLE', detail: `${signer.id} holds a governance role, which cannot approve` };
  return undefined;
}

/**
 * The signer holds a governance role, stands apart from the request (OVR-2, OVR-3), and signs as strongly as the path
 * demands of those who approve on it: who may put people in may not be easier to impersonate than they are (OVR-6).
 */
export function checkGovernor(
  state: RequestState,
  { signer, statement: { verb }, assurance }: VerifiedStatement,
): Result<void> {
  if (!hasAnyRole(signer, GOVERNANCE_ROLES))
    return refused('NOT_GOVERNANCE', `${signer.id} holds no governance role and cannot ${verb}`);
  const conflict = refuseParties(state, signer.id);
  if (conflict) return { ok: false, refusal: conflict };
  if (isApprover(state, signer.id))
    return refused('CONFLICTED', `${signer.id} is an approver of this request and cannot ${verb} it`);
  const stages = currentPath(state)?.stages ?? [];
  const needed = stages.map((stage) => stage.assurance).reduce(strongerAssurance, 'channel');
  if (!assuranceMeets(assurance, needed))
    return refused('WEAK_ASSURANCE', `who would ${verb} it needs ${needed}, this came by ${assurance}`);
  return accepted(undefined);
}
