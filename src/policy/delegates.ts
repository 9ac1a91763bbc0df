import type { DirectoryBook } from '../directory/directory-book';
import type { ApprovalPath, Delegation } from '../domain/assessment';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../domain/principal';

/**
 * Adds those who stand in for absent approvers at this moment. A delegate is a person apart from the request, who sees
 * it in no other role: not a party, not an approver of any stage, not a reviewer, not one who confirms it.
 */
export function withDelegates(
  path: ApprovalPath,
  taken: ReadonlySet<PrincipalId>,
  directory: DirectoryBook,
  atMs: number,
): ApprovalPath {
  const seen = new Set([...taken, ...path.stages.flatMap((stage) => stage.eligible)]);
  const stages = path.stages.map((stage) => {
    const delegations: Delegation[] = [];
    const here = new Set<PrincipalId>();
    for (const from of stage.eligible) {
      const to = directory.delegateOf(from, atMs);
      const standing = to === undefined ? undefined : directory.standingOf(to, atMs);
      if (to === undefined || standing === undefined || seen.has(to)) continue;
      if (!standing.active || !isHuman(standing) || hasAnyRole(standing, GOVERNANCE_ROLES)) continue;
      delegations.push({ from, to });
      here.add(to);
    }
    for (const to of here) seen.add(to);
    return delegations.length === 0 ? stage : { ...stage, delegations };
  });
  return { ...path, stages };
}
