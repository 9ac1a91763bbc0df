import type { Stage } from '../assessment';
import type { RerouteRecord } from '../event';
import type { PathChange } from '../path-change';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../principal';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../refusal';
import { isRescuer, refuseParties } from '../rules/standing';
import {
  approvalInPlaceOf,
  effectiveApprovers,
  isStageComplete,
  replacementsInForce,
  stagesOf,
} from '../stages';
import type { AssessedState } from '../state';
import type { Replacement, Statement, VerifiedStatement } from '../statement';
import { changeRecord, type Grounds } from './grounds';

/** Checks that another eligible person can take an approver's place, for a limited time. */
export function checkReplacement(
  state: AssessedState,
  verified: VerifiedStatement,
  grounds: Grounds,
  replacement: Replacement,
): Result<RerouteRecord> {
  const { statement, reroute: check } = verified;
  const stage = stageToChange(state, statement, replacement);
  if (!stage.ok) return stage;
  const weakness = refuseCandidate(state, stage.value, replacement, verified);
  if (weakness) return refusedBy(weakness);
  const isEmergency = statement.emergencyCondition !== undefined;
  return accepted({
    ...changeRecord(state, verified, grounds),
    stage: stage.value.name,
    ...replacement,
    ...(isEmergency && check?.emergency && { emergency: check.emergency }),
  });
}

function stageToChange(state: AssessedState, statement: Statement, replacement: Replacement): Result<Stage> {
  const stages = stagesOf(state);
  const named =
    statement.stage === undefined ? stages : stages.filter((stage) => stage.name === statement.stage);
  const stage = named.find((one) => effectiveApprovers(state, one).includes(replacement.replace));
  if (stage === undefined)
    return refused('NOT_ELIGIBLE', `${replacement.replace} is not an approver to replace`);
  const decided = refuseDecided(state, stage, replacement.replace);
  if (decided) return refusedBy(decided);
  const isInTheWay = ({ kind, phase, record }: PathChange) =>
    phase === 'proposed' && (kind === 'switch' || record.stage === stage.name);
  if (state.pathChanges.some(isInTheWay))
    return refused('NOT_NOW', `a reroute of stage ${stage.name} awaits endorsement`);
  return accepted(stage);
}

/**
 * Refuses to give away a place in which someone has approved: one approver would count as two (OVR-6). Returns undefined
 * if the place is free.
 */
export function refuseDecided(
  state: AssessedState,
  stage: Stage,
  approver: PrincipalId,
): Refusal | undefined {
  if (isStageComplete(state, stage)) return { code: 'NOT_NOW', detail: `stage ${stage.name} is complete` };
  if (!effectiveApprovers(state, stage).includes(approver))
    return { code: 'NOT_NOW', detail: `${approver} is no longer an approver to replace` };
  const approval = approvalInPlaceOf(state, stage, approver);
  return approval && { code: 'NOT_NOW', detail: `${approval.by} has already approved in that place` };
}

/**
 * Refuses a replacement who is conflicted or ineligible, or who would leave fewer approvers (OVR-6). Returns undefined if
 * there is nothing against them.
 */
function refuseCandidate(
  state: AssessedState,
  stage: Stage,
  replacement: Replacement,
  { signer, reroute: check }: VerifiedStatement,
): Refusal | undefined {
  const id = replacement.with;
  const weaken = (why: string): Refusal => ({ code: 'WOULD_WEAKEN', detail: `${id} ${why}` });
  if (id === signer.id || isRescuer(state, id))
    return weaken('has rerouted this request and cannot decide it');
  if (refuseParties(state, id)) return weaken('is in conflict with this request');
  const candidate = check?.candidate;
  if (candidate === undefined || candidate.id !== id) return weaken('is not in the directory');
  if (!candidate.active || !isHuman(candidate)) return weaken('is not an active person');
  if (hasAnyRole(candidate, GOVERNANCE_ROLES)) return weaken('holds a governance role, which cannot approve');
  if (!check?.candidateStages.includes(stage.name))
    return weaken(`may not decide stage ${stage.name} by policy`);
  const standsIn = replacementsInForce(state, stage).some((one) => one.with === id);
  if (stage.eligible.includes(id) || standsIn) return weaken('is an approver of the stage already');
  const stages = stagesOf(state);
  if (stages.some((one) => one.delegations?.some(({ to }) => to === id)))
    return weaken('stands in for an approver already, and sees the request in no other role');
  if (state.approvals.some((approval) => approval.by === id)) return weaken('has approved another stage');
  return undefined;
}
