import type { Directory } from '../../directory/directory';
import type { ApprovalPath, Delegation } from '../../domain/assessment';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../../domain/principal';

/**
 * Adds the delegates of approvers who are absent at this moment. A delegate is a person without any other role in the
 * request: not a party, not an approver of any stage, not a reviewer, and not someone who confirms it.
 */
export function withDelegates(
  path: ApprovalPath,
  taken: ReadonlySet<PrincipalId>,
  directory: Directory,
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
