import { z } from 'zod';
import type { CatalogGrant } from '../contract';

/** What RBAC takes as the name of a role: any segment of a path (`path.IsValidPathSegmentName` of Kubernetes). */
const roleName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^(?!\.{1,2}$)[^/%\s]+$/, 'is not the name of a role in Kubernetes');
const namespaceName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'is not the name of a namespace in Kubernetes');

/** `role` in a namespace, `clusterRole` in a namespace, or `clusterRole` in the whole cluster. */
export const grantSchema = z
  .strictObject({
    namespace: namespaceName.exactOptional(),
    role: roleName.exactOptional(),
    clusterRole: roleName.exactOptional(),
  })
  .refine((grant) => roleOf(grant) !== undefined, {
    error: 'name a role with its namespace, or a clusterRole with or without a namespace',
  });

export interface RoleInPlace {
  readonly kind: 'Role' | 'ClusterRole';
  readonly name: string;
  /** Absent for the whole cluster. */
  readonly namespace?: string;
}

/** Returns the role that a grant of the catalog names and where it is bound, or undefined if it names none. */
export function roleOf({ role, clusterRole, namespace }: CatalogGrant): RoleInPlace | undefined {
  const place = namespace === undefined ? {} : { namespace };
  if (role !== undefined && clusterRole === undefined && namespace !== undefined)
    return { kind: 'Role', name: role, ...place };
  if (clusterRole !== undefined && role === undefined)
    return { kind: 'ClusterRole', name: clusterRole, ...place };
  return undefined;
}

/** Writes a role and its place as messages and lease records do: `Role deployer in payments`. */
export const nameOfRole = ({ kind, name, namespace }: RoleInPlace): string =>
  `${kind} ${name} in ${namespace ?? 'the whole cluster'}`;
