import type { Stage } from '../assessment';
import type { RerouteRecord } from '../event';
import { LIMITS } from '../limits';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../principal';
import { accepted, type Refusal, type Result, refused } from '../refusal';
import { checkGovernor, isRescuer, refuseParties } from '../rules/standing';
import { approvalInPlaceOf, effectiveApprovers, isStageComplete, type RequestState } from '../state';
import type { Replacement, Statement, VerifiedStatement } from '../statement';
import type { VerbRule } from './verb-rule';

/** Governance puts another eligible person in an approver's place, for a limited time (OVR-2 to OVR-8). */
export const reroute: VerbRule = (state, facts, atMs) => {
  const governor = checkGovernor(state, facts);
  if (!governor.ok) return governor;
  const grounds = checkGrounds(facts);
  if (!grounds.ok) return grounds;
  if (state.status !== 'awaiting_approval')
    return refused('NOT_NOW', `the request is ${state.status}, there is no path to change`);
  if (state.reroutes.length >= LIMITS.reroutes)
    return refused('RATE_LIMITED', `a request can be rerouted ${LIMITS.reroutes} times`);
  const { statement, signer } = facts;
  const { replacement } = statement;
  if (replacement === undefined)
    return refused('MALFORMED', 'a reroute names whom to replace, by whom, until when');
  if (replacement.untilMs <= atMs || replacement.untilMs > statement.expiresAtMs)
    return refused('MALFORMED', 'a replacement ends in the future, and not after the statement itself');
  const stage = stageToChange(state, statement, replacement);
  if (!stage.ok) return stage;
  const weakness = refuseCandidate(state, stage.value, replacement, facts);
  if (weakness) return { ok: false, refusal: weakness };

  const endorsementNeeded = state.assessment?.privileged ?? true;
  const record: RerouteRecord = {
    jti: statement.jti,
    by: signer.id,
    stage: stage.value.name,
    ...replacement,
    ...grounds.value,
    policyDigest: state.assessment?.policyDigest ?? '',
    endorsementNeeded,
  };
  if (endorsementNeeded) return accepted([{ type: 'reroute_proposed', atMs, reroute: record }]);
  return accepted([{ type: 'rerouted', atMs, reroute: record, revision: state.revision + 1 }]);
};

/** Reason code, ticket and policy basis are all there, and all exist (OVR-4). */
function checkGrounds({ statement, reroute: facts }: VerifiedStatement) {
  const { reasonCode, ticket, policyBasis } = statement;
  if (reasonCode === undefined || !facts?.reasonCodeListed)
    return refused('MISSING_REASON', 'a reroute needs a reason code from the list in the policy bundle');
  if (ticket === undefined || !facts.ticketFound)
    return refused('MISSING_TICKET', 'a reroute needs a ticket that exists');
  if (policyBasis === undefined || !facts.policyBasisListed)
    return refused('MISSING_POLICY_BASIS', 'a reroute needs the id of a policy that exists');
  return accepted({ reasonCode, ticket, policyBasis });
}

function stageToChange(state: RequestState, statement: Statement, replacement: Replacement): Result<Stage> {
  const stages = state.assessment?.path?.stages ?? [];
  const named =
    statement.stage === undefined ? stages : stages.filter((stage) => stage.name === statement.stage);
  const stage = named.find((one) => effectiveApprovers(state, one).includes(replacement.replace));
  if (stage === undefined)
    return refused('NOT_ELIGIBLE', `${replacement.replace} is not an approver to replace`);
  const decided = refuseDecided(state, stage, replacement.replace);
  if (decided) return { ok: false, refusal: decided };
  if (state.reroutes.some((one) => one.phase === 'proposed' && one.stage === stage.name))
    return refused('NOT_NOW', `a reroute of stage ${stage.name} awaits endorsement`);
  return accepted(stage);
}

/** A place in which someone has approved is not given to another, or one approver would count as two (OVR-6). */
export function refuseDecided(state: RequestState, stage: Stage, replaced: PrincipalId): Refusal | undefined {
  if (isStageComplete(state, stage)) return { code: 'NOT_NOW', detail: `stage ${stage.name} is complete` };
  if (!effectiveApprovers(state, stage).includes(replaced))
    return { code: 'NOT_NOW', detail: `${replaced} is no longer an approver to replace` };
  const approval = approvalInPlaceOf(state, stage, replaced);
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
  if (state.approvals.some((approval) => approval.by === id)) return weaken('has approved another stage');
  return undefined;
}
