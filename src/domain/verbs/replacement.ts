import type { Stage } from '../assessment';
import type { DomainEvent, RerouteRecord } from '../event';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../principal';
import { accepted, type Refusal, type Result, refused } from '../refusal';
import { isRescuer, refuseParties } from '../rules/standing';
import {
  approvalInPlaceOf,
  currentPath,
  effectiveApprovers,
  isStageComplete,
  type RequestState,
} from '../state';
import type { Replacement, Statement, VerifiedStatement } from '../statement';
import { changeRecord, type Grounds } from './grounds';

/** Another eligible person in an approver's place, for a time. */
export function replaceApprover(
  state: RequestState,
  facts: VerifiedStatement,
  grounds: Grounds,
  replacement: Replacement,
  atMs: number,
): Result<readonly DomainEvent[]> {
  const { statement, reroute: found } = facts;
  const stage = stageToChange(state, statement, replacement);
  if (!stage.ok) return stage;
  const weakness = refuseCandidate(state, stage.value, replacement, facts);
  if (weakness) return { ok: false, refusal: weakness };
  const isEmergency = statement.emergencyCondition !== undefined;
  const record: RerouteRecord = {
    ...changeRecord(state, facts, grounds),
    stage: stage.value.name,
    ...replacement,
    ...(isEmergency && found?.emergency && { emergency: found.emergency }),
  };
  if (record.endorsementNeeded) return accepted([{ type: 'reroute_proposed', atMs, reroute: record }]);
  return accepted(replaced(state, record, atMs));
}

/** The replacement takes effect. Under an emergency condition it leaves a review owed (OVR-9). */
export function replaced(
  state: RequestState,
  reroute: RerouteRecord,
  atMs: number,
  endorsedBy?: PrincipalId,
): readonly DomainEvent[] {
  const { emergency } = reroute;
  const rerouted: DomainEvent = {
    type: 'rerouted',
    atMs,
    reroute,
    ...(endorsedBy !== undefined && { endorsedBy }),
    revision: state.revision + 1,
  };
  if (emergency === undefined) return [rerouted];
  return [rerouted, { type: 'review_owed', atMs, dueAtMs: atMs + emergency.reviewWithinMs }];
}

function stageToChange(state: RequestState, statement: Statement, replacement: Replacement): Result<Stage> {
  const stages = currentPath(state)?.stages ?? [];
  const named =
    statement.stage === undefined ? stages : stages.filter((stage) => stage.name === statement.stage);
  const stage = named.find((one) => effectiveApprovers(state, one).includes(replacement.replace));
  if (stage === undefined)
    return refused('NOT_ELIGIBLE', `${replacement.replace} is not an approver to replace`);
  const decided = refuseDecided(state, stage, replacement.replace);
  if (decided) return { ok: false, refusal: decided };
  const { reroutes, switches = [] } = state;
  if (
    reroutes.some((one) => one.phase === 'proposed' && one.stage === stage.name) ||
    switches.some((one) => one.phase === 'proposed')
  )
    return refused('NOT_NOW', `a reroute of stage ${stage.name} awaits endorsement`);
  return accepted(stage);
}

/** A place in which someone has approved is not given to another, or one approver would count as two (OVR-6). */
export function refuseDecided(state: RequestState, stage: Stage, given: PrincipalId): Refusal | undefined {
  if (isStageComplete(state, stage)) return { code: 'NOT_NOW', detail: `stage ${stage.name} is complete` };
  if (!effectiveApprovers(state, stage).includes(given))
    return { code: 'NOT_NOW', detail: `${given} is no longer an approver to replace` };
  const approval = approvalInPlaceOf(state, stage, given);
  return approval && { code: 'NOT_NOW', detail: `${approval.by} has already approved in that place` };
}

/** A reroute never adds someone conflicted or ineligible, and never leaves fewer approvers (OVR-6). */
function refuseCandidate(
  state: RequestState,
  stage: Stage,
  replacement: Replacement,
  { signer, reroute: facts }: VerifiedStatement,
): Refusal | undefined {
  const id = replacement.with;
  const weaken = (why: string): Refusal => ({ code: 'WOULD_WEAKEN', detail: `${id} ${why}` });
  if (id === signer.id || isRescuer(state, id))
    return weaken('has rerouted this request and cannot decide it');
  if (refuseParties(state, id)) return weaken('is in conflict with this request');
  const candidate = facts?.candidate;
  if (candidate === undefined || candidate.id !== id) return weaken('is not in the directory');
  if (!candidate.active || !isHuman(candidate)) return weaken('is not an active person');
  if (hasAnyRole(candidate, GOVERNANCE_ROLES)) return weaken('holds a governance role, which cannot approve');
  if (!facts?.candidateStages.includes(stage.name))
    return weaken(`may not decide stage ${stage.name} by policy`);
  const standsIn = state.reroutes.some(
    (one) => one.phase === 'in_force' && one.stage === stage.name && one.with === id,
  );
  if (stage.eligible.includes(id) || standsIn) return weaken('is an approver of the stage already');
  const stages = currentPath(state)?.stages ?? [];
  if (stages.some((one) => one.delegations?.some(({ to }) => to === id)))
    return weaken('stands in for an approver already, and sees the request in no other role');
  if (state.approvals.some((approval) => approval.by === id)) return weaken('has approved another stage');
  return undefined;
}
