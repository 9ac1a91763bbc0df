import type { RawGroup } from './snapshot';
import { SOURCE_LIMITS } from './sources-file';

export interface Flat {
  /** Members that are no groups, by what they are referred to. */
  readonly members: ReadonlySet<string>;
  /** Names of groups that contain themselves by others. Their members count once. */
  readonly cycles: readonly string[];
}

/**
 * Returns the members of a group, those of the groups in it included, however deep.
 *
 * @throws Error if it is nested deeper, or has more members, than a source may give
 */
export function flattened(group: RawGroup, groups: ReadonlyMap<string, RawGroup>): Flat {
  const members = new Set<string>();
  const cycles = new Set<string>();
  const seen = new Set<string>();
  const open = new Set<string>();
  const visit = (one: RawGroup, level: number): void => {
    if (level > SOURCE_LIMITS.levels)
      throw new Error(`${group.name} has groups nested deeper than ${SOURCE_LIMITS.levels}`);
    seen.add(one.ref);
    open.add(one.ref);
    for (const ref of one.members) {
      const inner = groups.get(ref);
      if (inner === undefined) members.add(ref);
      else if (open.has(ref)) cycles.add(inner.name);
      else if (!seen.has(ref)) visit(inner, level + 1);
      if (members.size > SOURCE_LIMITS.members)
        throw new Error(`${group.name} has more than ${SOURCE_LIMITS.members} members`);
    }
    open.delete(one.ref);
  };
  visit(group, 1);
  return { members, cycles: [...cycles].sort() };
}
