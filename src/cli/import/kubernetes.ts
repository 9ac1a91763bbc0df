import { accountOf, subjectOf } from '../../connectors/kubernetes/subject';
import type { Account } from './account';
import type { Draft } from './draft';
import type { Importer } from './kinds';
import { at, documentsOf, itemsAt, type SourceNode, textAt, unknownKey } from './source';

const CONNECTOR = 'kubernetes';
const KEYS = ['apiVersion', 'kind', 'metadata', 'roleRef', 'subjects'];
const LIST = /^(?:Cluster)?Role(?:Binding)?List$|^List$/;

/**
 * RoleBindings and ClusterRoleBindings: what somebody holds all the time becomes what they may ask for. Roles stay in the cluster, because a
 * grant binds them by name.
 */
export const fromKubernetes: Importer = (files, draft, account) => {
  const roots = files.flatMap(documentsOf);
  for (const document of roots.flatMap(objectsIn)) {
    const kind = textAt(document, 'kind');
    if (kind === 'RoleBinding' || kind === 'ClusterRoleBinding') bindingOf(document, kind, draft, account);
    else if (kind === 'Role' || kind === 'ClusterRole')
      account.leave(document, 'the role stays in the cluster as it is; a grant binds it by its name');
    else account.leave(document, `is not a Role, RoleBinding, ClusterRole or ClusterRoleBinding`);
  }
  return roots;
};

const objectsIn = (document: SourceNode): readonly SourceNode[] =>
  LIST.test(textAt(document, 'kind') ?? '') ? itemsAt(document, 'items') : [document];

function bindingOf(binding: SourceNode, kind: string, draft: Draft, account: Account): void {
  const unknown = unknownKey(binding, KEYS);
  if (unknown !== undefined) {
    account.leave(binding, `has ${unknown}, which is not known here and might narrow it`);
    return;
  }
  const roleNode = at(binding, 'roleRef', 'name');
  const kindNode = at(binding, 'roleRef', 'kind');
  const role = textAt(roleNode);
  const roleKind = textAt(kindNode);
  const isWide = kind === 'ClusterRoleBinding';
  const namespaceNode = isWide ? undefined : at(binding, 'metadata', 'namespace');
  const namespace = textAt(namespaceNode);
  if (role === undefined || (roleKind !== 'ClusterRole' && (roleKind !== 'Role' || isWide))) {
    account.leave(binding, 'names no role that this kind of binding can bind');
    return;
  }
  if (!isWide && namespace === undefined) {
    account.leave(
      binding,
      'names no namespace, so where it holds depends on who applies it; add metadata.namespace',
    );
    return;
  }
  const where = namespace ?? 'the whole cluster';
  const approvers = draft.group(
    `approvers ${namespace ?? ''}`,
    `${namespace ?? 'cluster'}-approvers`,
    `Approvers for ${where}`,
  );
  const connector = draft.connector(CONNECTOR, 'kubernetes', 'Kubernetes cluster');
  const grant = {
    ...(namespace !== undefined && { namespace }),
    ...(roleKind === 'Role' ? { role } : { clusterRole: role }),
  };
  const title = `${roleKind} ${role} in ${where}`;
  const entitlement = draft.entitle(JSON.stringify(grant), {
    connector,
    resource: `${namespace ?? 'cluster'}/${role}`,
    action: 'use',
    title,
    grant,
    approvers: [approvers],
    quorum: 1,
  });
  const holders = draft.group(
    `may ${JSON.stringify(grant)}`,
    `may-${namespace ?? 'cluster'}-${role}`,
    `May ask for ${title}`,
  );
  draft.permit(holders, entitlement);
  for (const subject of itemsAt(binding, 'subjects')) {
    const name = textAt(subject, 'name');
    if (textAt(subject, 'kind') === 'Group' && name !== undefined && !name.startsWith('system:')) {
      const group = draft.group(`group ${name}`, name, `Group ${name} of the cluster`);
      draft.permit(group, entitlement);
      for (const key of ['kind', 'name'])
        account.express(at(subject, key), `group ${group.name}; its members bind their own accounts`);
    } else subjectIn(subject, holders.members, draft, account);
  }
  for (const node of [roleNode, kindNode, namespaceNode, at(binding, 'kind')])
    account.express(node, `${title}, on request`);
  account.leave(
    at(binding, 'metadata', 'name'),
    'the binding is replaced by one for each grant; delete it when the bundle is in use',
  );
}

/** Adds a subject to those who may ask. */
function subjectIn(subject: SourceNode, members: Set<string>, draft: Draft, account: Account): void {
  const [kindNode, nameNode, namespaceNode] = ['kind', 'name', 'namespace'].map((key) => at(subject, key));
  const [kind, name, namespace] = [textAt(kindNode), textAt(nameNode), textAt(namespaceNode)];
  const refuse = (why: string): void => account.leave(subject, why);
  if (name === undefined) {
    refuse('names nobody');
    return;
  }
  if (kind === 'ServiceAccount') {
    if (namespace === undefined) {
      refuse('a service account needs its namespace');
      return;
    }
    const target = accountOf({ kind, name, namespace });
    const id = draft.workload(`${namespace}-${name}`, `service account ${name} of ${namespace}`);
    const workload = draft.workloads.get(id);
    if (workload === undefined || (workload.accounts[CONNECTOR] ?? target) !== target) {
      refuse('two service accounts get the same name here');
      return;
    }
    workload.accounts[CONNECTOR] = target;
    members.add(id);
    for (const node of [kindNode, nameNode, namespaceNode]) account.express(node, id);
    return;
  }
  if (kind !== 'User' || subjectOf(accountOf({ kind, name })) === undefined) {
    refuse('is not a user, group or service account, or is one of Kubernetes itself');
    return;
  }
  const id = draft.person(name);
  const person = id === undefined ? undefined : draft.people.get(id);
  if (id === undefined || person === undefined) {
    refuse('the name cannot be the id of a person, or is too like that of another');
    return;
  }
  person.accounts[CONNECTOR] = accountOf({ kind, name });
  members.add(id);
  for (const node of [kindNode, nameNode]) account.express(node, id);
}
