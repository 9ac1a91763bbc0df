import type { ApprovalPath, Stage } from '../../domain/assessment';
import { LIMITS } from '../../domain/limits';
import type { EarlierAsk } from '../../domain/precedents';
import type { PrincipalId } from '../../domain/principal';
import type { Bearing } from './bearing';

/** The stage that is put before a path which includes none of the people who were asked before. */
const ASKED_BEFORE = 'asked-before';

/**
 * Sends a repeated request to the people who were asked first, so that asking again brings no new approvers (APB-4). A
 * stage of the same name keeps only those who could decide it then. A path without such a stage gets an additional first
 * stage, with the earlier approvers who may decide this request. After a refusal each stage needs more people.
 */
export function heldToEarlierApprovers(
  path: ApprovalPath,
  { before, refusedBefore }: Bearing,
  decidersAmong: (ids: readonly PrincipalId[]) => Pick<Stage, 'eligible' | 'groups'>,
  raiseQuorumBy: number,
): ApprovalPath {
  const asked = before.filter((ask) => Object.keys(ask.approvers).length > 0);
  const raised = refusedBefore > 0 ? raiseQuorumBy : 0;
  const stages = path.stages.map((stage) => raise(keep(stage, asked), raised));
  const [first] = stages;
  const isHeld = asked.every((ask) => stages.some((stage) => stage.name in ask.approvers));
  if (isHeld || first === undefined) return { ...path, stages };
  const earlier = asked.flatMap((ask) => Object.values(ask.approvers).flat());
  const { delegations: _others, ...times } = first;
  const people = decidersAmong([...new Set(earlier)]);
  const askedBefore = { ...times, ...people, name: ASKED_BEFORE, substituteGroups: [], quorum: 1 };
  return { ...path, stages: [askedBefore, ...stages] };
}

function keep(stage: Stage, asked: readonly EarlierAsk[]): Stage {
  const then = asked.flatMap((ask) => (stage.name in ask.approvers ? [ask.approvers[stage.name] ?? []] : []));
  return { ...stage, eligible: stage.eligible.filter((id) => then.every((ids) => ids.includes(id))) };
}

/** Never more than there are people, because a quorum that cannot be met would be a hidden denial. */
function raise(stage: Stage, by: number): Stage {
  const most = Math.min(stage.eligible.length, LIMITS.quorum);
  return { ...stage, quorum: Math.max(stage.quorum, Math.min(stage.quorum + by, most)) };
}
