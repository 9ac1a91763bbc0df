import type { RbacV1Subject } from '@kubernetes/client-node';

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;
const PREFIXED = /^(user|group):(.+)$/s;

/**
 * Returns the subject that an account stands for: `group:NAME`, `system:serviceaccount:NAMESPACE:NAME`, and any other text, or
 * `user:NAME`, for a user. Undefined for the groups and users that Kubernetes itself names, which stand for everybody or for
 * the cluster's own parts.
 */
export function subjectOf(account: string): RbacV1Subject | undefined {
  const [, namespace, serviceAccount] = SERVICE_ACCOUNT.exec(account) ?? [];
  if (namespace !== undefined && serviceAccount !== undefined)
    return { kind: 'ServiceAccount', name: serviceAccount, namespace };
  const [, kind = 'user', name = account] = PREFIXED.exec(account) ?? [];
  if (name.startsWith('system:')) return undefined;
  return { kind: kind === 'group' ? 'Group' : 'User', name, apiGroup: 'rbac.authorization.k8s.io' };
}

/** Returns the account of a subject, written so that `subjectOf` returns the subject. */
export function accountOf({ kind, name, namespace }: RbacV1Subject): string {
  if (kind === 'ServiceAccount') return `system:serviceaccount:${namespace ?? ''}:${name}`;
  if (kind === 'Group') return `group:${name}`;
  return PREFIXED.test(name) ? `user:${name}` : name;
}
