import type { ApprovalPath, Assessment, Party, Stage } from './assessment';
import { defined } from './defined';
import { LIMITS } from './limits';
import { strongerAssurance } from './principal';
import { accepted, type Result, refused } from './refusal';

/**
 * Returns the assessment that an act on a target follows: the recorded one, tightened by what policy says today. The
 * recorded one comes from an untrusted history, so it can only add demands. Refuses if either lets
 * nothing through, or policy now demands stages that the record does not have.
 */
export function strictestOf(recorded: Assessment, today: Assessment): Result<Assessment> {
  if (today.outcome === 'hard_stop' || today.outcome === 'refuse')
    return refused('POLICY_CHANGED', `policy now says ${today.outcome}: ${today.reasonCodes.join(', ')}`);
  if (recorded.outcome === 'hard_stop' || recorded.outcome === 'refuse')
    return refused('NOT_AUTHORISED', `the request was assessed as ${recorded.outcome}`);
  const path = strictestPath(recorded.path, today.path);
  if (!path.ok) return path;
  const { path: _path, confirmation: _confirmation, reviewWithinMs: _review, ...rest } = today;
  const confirmation = today.confirmation ?? recorded.confirmation;
  const reviewWithinMs = minOf(recorded.reviewWithinMs, today.reviewWithinMs);
  return accepted({
    ...rest,
    // An approval without a path is unsound, never a permit: only two permits make one.
    outcome: recorded.outcome === 'permit' && today.outcome === 'permit' ? 'permit' : 'approve',
    ...defined({ path: path.value, confirmation, reviewWithinMs }),
    maxDurationMs: Math.min(recorded.maxDurationMs, today.maxDurationMs),
    privileged: recorded.privileged || today.privileged,
    parties: unionOf(recorded.parties, today.parties),
    assessedAtMs: recorded.assessedAtMs,
  });
}

function strictestPath(
  recorded: ApprovalPath | undefined,
  today: ApprovalPath | undefined,
): Result<ApprovalPath | undefined> {
  if (today === undefined) return accepted(recorded);
  if (recorded === undefined) return refused('POLICY_CHANGED', `policy now demands the path ${today.name}`);
  // A stage that only the record has is one more demand. A stage that only today's policy has cannot have been met.
  const names = recorded.stages.map((stage) => stage.name);
  const demanded = today.stages.map((stage) => names.indexOf(stage.name));
  const inOrder = demanded.every((place, index) => place > (demanded[index - 1] ?? -1));
  if (!inOrder)
    return refused('POLICY_CHANGED', `policy now demands other stages, by the path ${today.name}`);
  const stages = recorded.stages.map((stage) => {
    const now = today.stages.find((one) => one.name === stage.name);
    return now === undefined ? stage : strictestStage(stage, now);
  });
  const countsForMs = [recorded, today].map((path) => path.approvalsCountForMs);
  if (countsForMs.every((one) => one === undefined)) return accepted({ name: today.name, stages });
  const approvalsCountForMs = Math.min(...countsForMs.map((one) => one ?? LIMITS.statementLifeMs));
  return accepted({ name: today.name, approvalsCountForMs, stages });
}

function strictestStage(recorded: Stage, today: Stage): Stage {
  const { delegations: now = [], channels: named = [], ...rest } = today;
  const channels = named.filter((one) => recorded.channels?.includes(one));
  const delegations = now.filter((one) =>
    recorded.delegations?.some(({ from, to }) => from === one.from && to === one.to),
  );
  const departed = recorded.eligible.filter((id) => !today.eligible.includes(id));
  return {
    ...rest,
    eligible: recorded.eligible,
    ...(departed.length > 0 && { departed }),
    ...(delegations.length > 0 && { delegations }),
    ...(channels.length > 0 && { channels }),
    quorum: Math.max(recorded.quorum, today.quorum),
    assurance: strongerAssurance(recorded.assurance, today.assurance),
    expireAfterMs: Math.min(recorded.expireAfterMs, today.expireAfterMs),
  };
}

function minOf(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

function unionOf(a: readonly Party[], b: readonly Party[]): readonly Party[] {
  const known = new Set(b.map((party) => `${party.relation} ${party.id}`));
  return [...b, ...a.filter((party) => !known.has(`${party.relation} ${party.id}`))];
}
