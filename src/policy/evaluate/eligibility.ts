import type { Directory } from '../../directory/directory';
import type { ApprovalPath, Party, Stage } from '../../domain/assessment';
import { GOVERNANCE_ROLES, hasAnyRole, isHuman, type PrincipalId } from '../../domain/principal';
import type { AccessRequest } from '../../domain/request';
import { type PathDefinition, RESOURCE_OWNERS } from '../load/paths-file';

/** Returns everyone in conflict with a request: its parties, and the people who answer for them. */
export function partiesOf(request: AccessRequest, directory: Directory): readonly Party[] {
  const parties: Party[] = [
    { id: request.requester, relation: 'requester' },
    { id: request.beneficiary, relation: 'beneficiary' },
    ...request.onBehalfOf.map((id): Party => ({ id, relation: 'delegator' })),
  ];
  for (const id of new Set([request.requester, request.beneficiary, ...request.onBehalfOf])) {
    const identity = directory.identity(id);
    if (identity?.sponsor !== undefined) parties.push({ id: identity.sponsor, relation: 'sponsor' });
    if (identity?.owner !== undefined) parties.push({ id: identity.owner, relation: 'owner' });
  }
  const known = new Set<string>();
  return parties.filter(({ id, relation }) => {
    const name = `${relation} ${id}`;
    if (known.has(name)) return false;
    known.add(name);
    return true;
  });
}

/** Resolves a named path to the people who may decide it for one request. */
export function resolvePath(
  path: PathDefinition,
  owners: string,
  conflicted: ReadonlySet<PrincipalId>,
  directory: Directory,
  atMs: number,
): ApprovalPath {
  const stages = path.stages.map((stage): Stage => {
    const groups = groupsOf(stage.approvers, owners);
    return {
      name: stage.name,
      eligible: deciders(groups, conflicted, directory, atMs),
      groups,
      substituteGroups: groupsOf(stage.substitutes, owners),
      quorum: stage.quorum,
      assurance: stage.assurance,
      ...(stage.channels && { channels: stage.channels }),
      remindAfterMs: stage.remindAfter,
      escalateAfterMs: stage.escalateAfter,
      expireAfterMs: stage.expireAfter,
    };
  });
  const { name, approvalsCountFor: approvalsCountForMs } = path;
  return { name, ...(approvalsCountForMs !== undefined && { approvalsCountForMs }), stages };
}

/** Returns the members of some groups who may decide: active, not in conflict, without a governance role. */
export function deciders(
  groups: readonly string[],
  conflicted: ReadonlySet<PrincipalId>,
  directory: Directory,
  atMs: number,
): readonly PrincipalId[] {
  const members = new Set(groups.flatMap((group) => directory.membersOf(group, atMs)));
  return [...members]
    .filter((id) => {
      const standing = directory.standingOf(id, atMs);
      return standing !== undefined && isHuman(standing) && !hasAnyRole(standing, GOVERNANCE_ROLES);
    })
    .filter((id) => !conflicted.has(id))
    .sort();
}

/** Returns those of some people who may decide by any path of the bundle, and the groups that make them eligible. */
export function decidersOfPaths(
  ids: readonly PrincipalId[],
  paths: ReadonlyMap<string, PathDefinition>,
  conflicted: ReadonlySet<PrincipalId>,
  directory: Directory,
  atMs: number,
): Pick<Stage, 'eligible' | 'groups'> {
  const held = new Set(ids.flatMap((id) => directory.standingOf(id, atMs)?.groups ?? []));
  const approving = new Set(
    [...paths.values()].flatMap((path) => path.stages.flatMap((stage) => stage.approvers)),
  );
  // A path can refer to the owners of a resource, so include every group that was asked then.
  const groups = [...held].filter((group) => approving.has(group) || approving.has(RESOURCE_OWNERS));
  const eligible = deciders(groups, conflicted, directory, atMs).filter((id) => ids.includes(id));
  return { eligible, groups };
}

/** Returns the groups of a stage, with `resource-owners` replaced by the owners of this resource. */
export const groupsOf = (named: readonly string[], owners: string): readonly string[] => [
  ...new Set(named.map((group) => (group === RESOURCE_OWNERS ? owners : group))),
];
