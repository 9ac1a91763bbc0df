import { stringify } from 'yaml';
import type { Expected } from '../target-check';
import { type RoleInPlace, roleOf } from './grant';

const RBAC = 'rbac.authorization.k8s.io';
const HOME = 'countersign';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Returns the manifest of a service account that may bind these roles, in these places, and nothing else. */
export function setUpManifest({ grants, accounts }: Expected, login: string): string {
  const name = login.toLowerCase().replace(/[^a-z0-9-]+/g, '-');
  const roles = grants.flatMap((grant) => roleOf(grant) ?? []);
  const namespaces = [...new Set(roles.flatMap(({ namespace }) => namespace ?? []))];
  const everywhere = roles.filter(({ namespace }) => namespace === undefined);
  const clusterRoles = namesOf(roles.filter(({ kind }) => kind === 'ClusterRole'));
  const documents = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: HOME } },
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: HOME } },
    ...clusterWide(name, [
      ...(namespaces.length > 0 ? [readRule('', 'namespaces', namespaces)] : []),
      ...(clusterRoles.length > 0 ? [readRule(RBAC, 'clusterroles', clusterRoles)] : []),
      ...(everywhere.length > 0
        ? [bindingsRule('clusterrolebindings'), bindRule('clusterroles', namesOf(everywhere))]
        : []),
    ]),
    ...namespaces.flatMap((namespace) =>
      inNamespace(
        name,
        namespace,
        roles.filter((role) => role.namespace === namespace),
      ),
    ),
    ...serviceAccounts(name, accounts),
  ];
  return [
    '# kubectl apply -f - with this. "bind" lets the connector give the named roles without having what they allow.',
    ...documents.map((document) => stringify(document, { lineWidth: 0 }).trimEnd()),
  ].join('\n---\n');
}

function inNamespace(name: string, namespace: string, roles: readonly RoleInPlace[]) {
  const own = namesOf(roles.filter(({ kind }) => kind === 'Role'));
  const clusterRoles = namesOf(roles.filter(({ kind }) => kind === 'ClusterRole'));
  return role(name, namespace, [
    bindingsRule('rolebindings'),
    ...(own.length > 0 ? [readRule(RBAC, 'roles', own), bindRule('roles', own)] : []),
    ...(clusterRoles.length > 0 ? [bindRule('clusterroles', clusterRoles)] : []),
  ]);
}

/** Lets the connector see whether the service accounts that people named as theirs are there. */
function serviceAccounts(name: string, accounts: readonly string[]) {
  const byNamespace = new Map<string, string[]>();
  for (const account of new Set(accounts)) {
    const [, namespace, own] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(account) ?? [];
    if (namespace !== undefined && own !== undefined)
      byNamespace.set(namespace, [...(byNamespace.get(namespace) ?? []), own]);
  }
  return [...byNamespace].flatMap(([namespace, names]) =>
    role(`${name}-accounts`, namespace, [readRule('', 'serviceaccounts', names)], name),
  );
}

const role = (name: string, namespace: string, rules: readonly Rule[], account = name) => [
  { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name, namespace }, rules },
  {
    apiVersion: `${RBAC}/v1`,
    kind: 'RoleBinding',
    metadata: { name, namespace },
    roleRef: { apiGroup: RBAC, kind: 'Role', name },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace: HOME }],
  },
];

const clusterWide = (name: string, rules: readonly Rule[]) =>
  rules.length === 0
    ? []
    : [
        { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name }, rules },
        {
          apiVersion: `${RBAC}/v1`,
          kind: 'ClusterRoleBinding',
          metadata: { name },
          roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
          subjects: [{ kind: 'ServiceAccount', name, namespace: HOME }],
        },
      ];

const readRule = (group: string, resource: string, names: readonly string[]): Rule => ({
  apiGroups: [group],
  resources: [resource],
  resourceNames: [...names],
  verbs: ['get'],
});

const bindRule = (resource: string, names: readonly string[]): Rule => ({
  apiGroups: [RBAC],
  resources: [resource],
  resourceNames: [...names],
  verbs: ['bind'],
});

const bindingsRule = (resource: string): Rule => ({
  apiGroups: [RBAC],
  resources: [resource],
  verbs: ['get', 'list', 'create', 'delete'],
});

const namesOf = (roles: readonly RoleInPlace[]): readonly string[] => [
  ...new Set(roles.map(({ name }) => name)),
];
