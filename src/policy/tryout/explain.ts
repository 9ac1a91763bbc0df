import { formatDuration } from '../../contracts/duration';
import { sayRemedy } from '../../contracts/remedy';
import { type Assessment, conflictsOf } from '../../domain/assessment';
import { GOVERNANCE_ROLES, hasAnyRole, type PrincipalId } from '../../domain/principal';
import { type AccessRequest, entitlementName } from '../../domain/request';
import type { PolicyContext } from '../evaluate/policy-context';
import { assessWithRemedy } from '../evaluate/remedy';

/** Explains to people what policy would decide about a request: who may approve it, who may not, and why. */
export function explain(context: PolicyContext, request: AccessRequest, atMs: number): readonly string[] {
  const assessment = assessWithRemedy(context, request, atMs);
  const { path, determiningPolicies, safeWay, remedy } = assessment;
  const lines = [
    `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`,
    `${assessment.outcome}: ${assessment.reasonCodes.join(', ')} (${assessment.explanation})`,
    `decided by ${determiningPolicies.length > 0 ? determiningPolicies.map((id) => placed(context, id)).join(', ') : 'the catalog and the rules of the core'}`,
  ];
  if (safeWay !== undefined) lines.push(`the safe way: ${safeWay}`);
  if (remedy !== undefined) lines.push(`what would change the answer: ${sayRemedy(remedy)}`);
  for (const flag of assessment.flags ?? []) lines.push(`check closely: ${flag}`);
  for (const stage of path?.stages ?? []) {
    lines.push(`stage ${stage.name}: ${stage.quorum} of ${stage.eligible.join(', ')} (${stage.assurance})`);
    for (const { from, to } of stage.delegations ?? [])
      lines.push(`  ${to} may decide for ${from}, who is away`);
    if (stage.substituteGroups.length > 0)
      lines.push(`  governance may put in someone of ${stage.substituteGroups.join(', ')}`);
    const members = new Set(stage.groups.flatMap((group) => context.directory.membersOf(group, atMs)));
    for (const id of members)
      if (!stage.eligible.includes(id)) lines.push(`  not ${id}: ${whyNot(context, assessment, id, atMs)}`);
  }
  if (assessment.outcome === 'permit' || assessment.outcome === 'approve')
    lines.push(`ends by itself, after ${formatDuration(assessment.maxDurationMs)} at the latest`);
  if (assessment.reviewWithinMs !== undefined)
    lines.push(
      `reviewed within ${formatDuration(assessment.reviewWithinMs)} by ${assessment.reviewers.join(', ')}`,
    );
  return lines;
}

function placed({ engine }: PolicyContext, id: string): string {
  const rule = engine.rules.get(id);
  return rule === undefined ? id : `${id} (${rule.file}:${rule.line})`;
}

function whyNot({ directory }: PolicyContext, assessment: Assessment, id: PrincipalId, atMs: number): string {
  const relations = conflictsOf(assessment, id);
  if (relations.length > 0) return `in conflict as ${relations.join(' and ')}`;
  const standing = directory.standingOf(id, atMs);
  if (standing !== undefined && hasAnyRole(standing, GOVERNANCE_ROLES)) return 'holds a governance role';
  return standing?.active === false ? 'disabled, or past their end date' : 'not a person who may decide';
}
