import type { Stage } from '../assessment';
import { defined } from '../defined';
import { checkLasting } from '../lasting';
import { assuranceMeets, type PrincipalId } from '../principal';
import { accepted, type Refusal, type Result, refused, refusedBy } from '../refusal';
import { isApprover, refuseParties, refuseRescuers } from '../rules/standing';
import {
  approvalInPlaceOf,
  delegatesOf,
  effectiveApprovers,
  isConfirmationAwaited,
  replacementsInForce,
  stageNamed,
  stagesOf,
} from '../stages';
import type { ReadState } from '../state';
import type { Statement, VerifiedStatement } from '../statement';
import { defineVerb } from './descriptor';

/** One eligible person approves the open stage. */
export const approve = defineVerb({
  purpose: 'approve the stage that is waiting for you',
  speaksAboutPath: true,
  speaksAboutStage: true,
  openToChannels: true,
  grantRestsOnIt: true,
  claims: { takes: ['stage', 'durationMs'] },
  rule: (state, verified, atMs) => {
    const eligible = checkDecider(state, verified);
    if (!eligible.ok) return eligible;
    const { signer, statement, assurance } = verified;
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
    const lasting = checkLasting(state, statement, atMs);
    if (!lasting.ok) return lasting;
    const longest = checkDuration(state, statement);
    if (!longest.ok) return longest;
    return accepted([
      {
        type: 'approval_counted',
        atMs,
        by: signer.id,
        stage: stage.name,
        jti: statement.jti,
        expiresAtMs: lasting.value,
        ...defined({ durationMs: longest.value }),
      },
    ]);
  },
});

/** An approver may say yes to less than was asked, never to more. Returns undefined if the approval is for all of it. */
function checkDuration(state: ReadState, { durationMs }: Statement): Result<number | undefined> {
  const askedMs = state.submission.request.durationMs;
  if (durationMs === undefined || durationMs <= askedMs) return accepted(durationMs);
  return refused(
    'MALFORMED',
    `approved for ${durationMs / 1_000} seconds, and only ${askedMs / 1_000} were asked for`,
  );
}

/** Refuses everyone who has no say in this request. Returns undefined for its approvers. */
function refuseOthers(state: ReadState, verified: VerifiedStatement): Refusal | undefined {
  const { signer } = verified;
  const conflict = refuseParties(state, signer.id) ?? refuseRescuers(state, verified);
  if (conflict || isApprover(state, signer.id)) return conflict;
  return { code: 'NOT_ELIGIBLE', detail: `${signer.id} is not among the approvers of this request` };
}

/** Checks that the signer may decide one of the stages of the path in force, open or not. Returns the stage. */
export function checkAnyDecider(state: ReadState, verified: VerifiedStatement): Result<Stage> {
  const other = refuseOthers(state, verified);
  if (other) return refusedBy(other);
  const { signer, statement } = verified;
  const stages = stagesOf(state).filter(
    ({ name }) => statement.stage === undefined || statement.stage === name,
  );
  const own = stages.find((stage) => refuseUnable(state, stage, verified) === undefined);
  if (own === undefined)
    return refused('NOT_ELIGIBLE', `${signer.id} cannot decide a stage of this request now`);
  return accepted(own);
}

/** Checks that the signer may approve or deny the open stage. Returns the stage, or the refusal. */
export function checkDecider(state: ReadState, verified: VerifiedStatement): Result<Stage> {
  const { statement } = verified;
  const other = refuseOthers(state, verified);
  if (other) return refusedBy(other);
  if (state.status !== 'awaiting_approval')
    return refused('NOT_NOW', `the request is ${state.status}, it awaits no approval`);
  const stage = stageNamed(state, state.openStage);
  if (
    stage === undefined ||
    (isConfirmationAwaited(state) && state.assessment.confirmation?.before === 'approval')
  )
    return refused('NOT_NOW', 'the request awaits a confirmation before approvers are asked');
  if (statement.stage !== undefined && statement.stage !== stage.name)
    return refused('NOT_NOW', `stage ${statement.stage} is not open; ${stage.name} is`);
  const unable = refuseUnable(state, stage, verified);
  return unable ? refusedBy(unable) : accepted(stage);
}

/** Refuses who may not decide the stage, and a choice made in a channel that the stage does not name (TTA-4). */
const refuseUnable = (state: ReadState, stage: Stage, verified: VerifiedStatement): Refusal | undefined =>
  refuseOutsiders(state, stage, verified) ?? refuseChannel(stage, verified);

function refuseChannel(stage: Stage, { assurance, channel }: VerifiedStatement): Refusal | undefined {
  if (assurance !== 'channel') return undefined;
  if (stage.assurance === 'channel' && stage.channels?.includes(channel) === true) return undefined;
  return {
    code: 'WEAK_ASSURANCE',
    detail: `stage ${stage.name} takes no choice made in ${channel}; it has to be signed`,
  };
}

/**
 * Refuses an approver who has left all the groups that made them one, and a delegate who stands in for nobody today.
 * Returns undefined if the signer may decide the stage.
 */
function refuseOutsiders(state: ReadState, stage: Stage, { signer }: VerifiedStatement): Refusal | undefined {
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

/** Groups from which someone may come who was put into the stage by a reroute. */
function substitutesFor(state: ReadState, stage: Stage, id: PrincipalId): readonly string[] {
  const reached = replacementsInForce(state, stage)
    .filter((one) => one.with === id)
    .flatMap((one) => one.emergency?.substituteGroups ?? []);
  return [...stage.groups, ...stage.substituteGroups, ...reached];
}
