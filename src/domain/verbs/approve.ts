import type { Stage } from '../assessment';
import { assuranceMeets, type PrincipalId } from '../principal';
import { accepted, type Refusal, type Result, refused } from '../refusal';
import { isApprover, refuseParties, refuseRescuers } from '../rules/standing';
import {
  approvalInPlaceOf,
  delegatesOf,
  effectiveApprovers,
  isConfirmationAwaited,
  type RequestState,
  stageNamed,
} from '../state';
import type { VerifiedStatement } from '../statement';
import type { VerbRule } from './verb-rule';

/** One eligible person's yes to the open stage. */
export const approve: VerbRule = (state, facts, atMs) => {
  const eligible = checkDecider(state, facts);
  if (!eligible.ok) return eligible;
  const { signer, statement, assurance } = facts;
  const earlier = state.approvals.find((approval) => approval.by === signer.id);
  const stage = eligible.value;
  if (earlier !== undefined && earlier.stage !== stage.name)
    return refused(
      'CONFLICTED',
      `${signer.id} has approved stage ${earlier.stage}; stages need distinct people`,
    );
  const inPlace = approvalInPlaceOf(state, stage, signer.id);
  if (inPlace !== undefined)
    return refused('NOT_NOW', `${inPlace.by} has already approved this stage in that place`);
  if (!assuranceMeets(assurance, stage.assurance))
    return refused(
      'WEAK_ASSURANCE',
      `stage ${stage.name} needs ${stage.assurance}, this came by ${assurance}`,
    );
  const { jti, expiresAtMs } = statement;
  return accepted([{ type: 'approval_counted', atMs, by: signer.id, stage: stage.name, jti, expiresAtMs }]);
};

/** The signer may decide the open stage, to either side. Yields the stage. */
export function checkDecider(state: RequestState, facts: VerifiedStatement) {
  const { signer, statement } = facts;
  const conflict = refuseParties(state, signer.id) ?? refuseRescuers(state, facts);
  if (conflict) return { ok: false as const, refusal: conflict };
  if (!isApprover(state, signer.id))
    return refused('NOT_ELIGIBLE', `${signer.id} is not among the approvers of this request`);
  if (state.status !== 'awaiting_approval')
    return refused('NOT_NOW', `the request is ${state.status}, it awaits no approval`);
  const stage = stageNamed(state, state.openStage);
  if (
    stage === undefined ||
    (isConfirmationAwaited(state) && state.assessment?.confirmation?.before === 'approval')
  )
    return refused('NOT_NOW', 'the request awaits a confirmation before approvers are asked');
  if (statement.stage !== undefined && statement.stage !== stage.name)
    return refused('NOT_NOW', `stage ${statement.stage} is not open; ${stage.name} is`);
  const unable = refuseUnable(state, stage, facts);
  return unable ? { ok: false as const, refusal: unable } : (accepted(stage) satisfies Result<typeof stage>);
}

/** Whoever has left all the groups that made them able, or is no longer anybody's delegate, decides no more. */
function refuseUnable(state: RequestState, stage: Stage, { signer }: VerifiedStatement): Refusal | undefined {
  const approvers = effectiveApprovers(state, stage);
  if (!approvers.includes(signer.id) || stage.departed?.includes(signer.id)) {
    const absent = approvers.filter((id) => delegatesOf(stage, id).includes(signer.id));
    if (absent.some((id) => signer.standsInFor?.includes(id))) return undefined;
    return { code: 'NOT_ELIGIBLE', detail: `${signer.id} cannot decide stage ${stage.name} now` };
  }
  const groups = stage.eligible.includes(signer.id) ? stage.groups : substitutesFor(state, stage, signer.id);
  if (groups.some((group) => signer.groups.includes(group))) return undefined;
  const detail = `${signer.id} has left the groups that may decide stage ${stage.name}`;
  return { code: 'NOT_ELIGIBLE', detail };
}

function substitutesFor(state: RequestState, stage: Stage, id: PrincipalId): readonly string[] {
  const reached = state.reroutes
    .filter((one) => one.phase === 'in_force' && one.stage === stage.name && one.with === id)
    .flatMap((one) => one.emergency?.substituteGroups ?? []);
  return [...stage.groups, ...stage.substituteGroups, ...reached];
}
