import { conflictsOf } from '../domain/assessment';
import { GOVERNANCE_ROLES, hasAnyRole, type PrincipalId } from '../domain/principal';
import { type AccessRequest, entitlementName } from '../domain/request';
import { assess, type PolicyBook } from './assess';
import { formatDuration } from './duration';

/** What policy would say of a request and why, for people: who may approve, who may not, and for what reason. */
export function explain(book: PolicyBook, request: AccessRequest, atMs: number): readonly string[] {
  const assessment = assess(book, request, atMs);
  const { path, determiningPolicies, safeWay } = assessment;
  const lines = [
    `${entitlementName(request.entitlement)} for ${request.beneficiary}, asked by ${request.requester}`,
    `${assessment.outcome}: ${assessment.reasonCodes.join(', ')} (${assessment.explanation})`,
    `decided by ${determiningPolicies.length > 0 ? determiningPolicies.map((id) => placed(book, id)).join(', ') : 'the catalog and the rules of the core'}`,
  ];
  if (safeWay !== undefined) lines.push(`the safe way: ${safeWay}`);
  for (const flag of assessment.flags ?? []) lines.push(`look closer: ${flag}`);
  for (const stage of path?.stages ?? []) {
    lines.push(`stage ${stage.name}: ${stage.quorum} of ${stage.eligible.join(', ')} (${stage.assurance})`);
    for (const { from, to } of stage.delegations ?? [])
      lines.push(`  ${to} may decide for ${from}, who is away`);
    if (stage.substituteGroups.length > 0)
      lines.push(`  governance may put in someone of ${stage.substituteGroups.join(', ')}`);
    const members = new Set(stage.groups.flatMap((group) => book.directory.membersOf(group, atMs)));
    for (const id of members)
      if (!stage.eligible.includes(id)) lines.push(`  not ${id}: ${whyNot(book, assessment, id, atMs)}`);
  }
  if (assessment.outcome === 'permit' || assessment.outcome === 'approve')
    lines.push(`ends by itself, after ${formatDuration(assessment.maxDurationMs)} at the latest`);
  if (assessment.reviewWithinMs !== undefined)
    lines.push(
      `reviewed within ${formatDuration(assessment.reviewWithinMs)} by ${assessment.reviewers.join(', ')}`,
    );
  return lines;
}

function placed({ engine }: PolicyBook, id: string): string {
  const rule = engine.rules.get(id);
  return rule === undefined ? id : `${id} (${rule.file}:${rule.line})`;
}

function whyNot(
  { directory }: PolicyBook,
  assessment: ReturnType<typeof assess>,
  id: PrincipalId,
  atMs: number,
): string {
  const relations = conflictsOf(assessment, id);
  if (relations.length > 0) return `in conflict as ${relations.join(' and ')}`;
  const standing = directory.standingOf(id, atMs);
  if (standing !== undefined && hasAnyRole(standing, GOVERNANCE_ROLES)) return 'holds a governance role';
  return standing?.active === false ? 'disabled, or past their end date' : 'not a person who may decide';
}
