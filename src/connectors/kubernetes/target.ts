import type { RbacV1Subject, V1ClusterRoleBinding, V1RoleBinding } from '@kubernetes/client-node';
import { TargetUnavailable } from '../../database/unavailable';
import type { CatalogGrant, Drift } from '../contract';
import type { Access, BookTarget, LeaseMark, MarkedAccess } from '../lease-book/target';
import { Cluster, type KubernetesSettings, statusOf } from './cluster';
import { nameOfRole, type RoleInPlace, roleOf } from './grant';
import { accountOf, subjectOf } from './subject';

type Binding = V1RoleBinding | V1ClusterRoleBinding;

const API_GROUP = 'rbac.authorization.k8s.io';
const MANAGED = { 'app.kubernetes.io/managed-by': 'countersign' };
const SELECTOR = 'app.kubernetes.io/managed-by=countersign';
const LEASE = 'countersign/lease';
const CONNECTOR = 'countersign/connector';
const EXPIRES_AT = 'countersign/expires-at';

/** Roles of a Kubernetes cluster, bound by one RoleBinding or ClusterRoleBinding for each lease. */
export class KubernetesRoles implements BookTarget {
  readonly #cluster: Cluster;

  /** @param name the connector's name, so that two connectors of one cluster leave each other's bindings alone */
  constructor(
    settings: KubernetesSettings,
    private readonly name: string,
  ) {
    this.#cluster = new Cluster(settings);
  }

  nameOf(grant: CatalogGrant): string | undefined {
    const role = roleOf(grant);
    return role && nameOfRole(role);
  }

  refuse({ account, grant }: Access): Promise<string | undefined> {
    return refusalOf(this.#cluster, account, grant);
  }

  async holds({ account, grant }: Access): Promise<boolean> {
    const role = roleOf(grant);
    const subject = subjectOf(account);
    if (role === undefined || subject === undefined) return false;
    const bindings = await this.#bindings(role);
    return bindings.some((binding) => subjectsOf(binding, role).some((one) => isSame(one, subject)));
  }

  async give({ account, grant }: Access, lease: LeaseMark): Promise<void> {
    const { role, subject } = partsOf(account, grant);
    const body: Binding = {
      metadata: {
        name: bindingName(lease.leaseId),
        labels: MANAGED,
        annotations: {
          [LEASE]: lease.leaseId,
          [CONNECTOR]: this.name,
          [EXPIRES_AT]: new Date(lease.expiresAtMs).toISOString(),
        },
      },
      roleRef: { apiGroup: API_GROUP, kind: role.kind, name: role.name },
      subjects: [subject],
    };
    const { namespace } = role;
    const wasMade = await this.#cluster.call(({ rbac }) =>
      (namespace === undefined
        ? rbac.createClusterRoleBinding({ body })
        : rbac.createNamespacedRoleBinding({ namespace, body })
      ).then(
        () => true,
        (error: unknown) => {
          if (statusOf(error) === 409) return false;
          throw error;
        },
      ),
    );
    if (wasMade) return;
    const there = await this.#read(role, lease.leaseId);
    if (there === undefined || !this.#isOurs(there, lease.leaseId) || !isFor(there, role, subject))
      throw new TargetUnavailable(
        `the cluster has a binding ${bindingName(lease.leaseId)} that is not the one of this lease`,
        undefined,
        true,
      );
  }

  async take({ grant }: Access, { leaseId }: LeaseMark): Promise<void> {
    const role = roleOf(grant);
    if (role === undefined) return;
    const there = await this.#read(role, leaseId);
    if (there === undefined || !this.#isOurs(there, leaseId)) return;
    const { namespace } = role;
    const name = bindingName(leaseId);
    // Only the object that was looked at: a binding that somebody makes in its place is theirs.
    const uid = there.metadata?.uid;
    const body = uid === undefined ? {} : { body: { preconditions: { uid } } };
    await this.#cluster.find(({ rbac }) =>
      namespace === undefined
        ? rbac.deleteClusterRoleBinding({ name, ...body })
        : rbac.deleteNamespacedRoleBinding({ name, namespace, ...body }),
    );
  }

  async holders(grants: readonly CatalogGrant[]): Promise<readonly Drift[]> {
    const held: Drift[] = [];
    for (const grant of grants) {
      const role = roleOf(grant);
      if (role === undefined) continue;
      for (const binding of await this.#bindings(role))
        for (const subject of subjectsOf(binding, role))
          held.push({ account: accountOf(subject), grant: nameOfRole(role) });
    }
    return held;
  }

  async marked(grants: readonly CatalogGrant[]): Promise<readonly MarkedAccess[]> {
    const found: MarkedAccess[] = [];
    for (const grant of grants) {
      const role = roleOf(grant);
      if (role === undefined) continue;
      for (const binding of await this.#bindings(role, SELECTOR)) {
        const leaseId = binding.metadata?.annotations?.[LEASE];
        const [subject] = subjectsOf(binding, role);
        if (leaseId !== undefined && subject !== undefined && this.#isOurs(binding, leaseId))
          found.push({ leaseId, account: accountOf(subject), grant, grantName: nameOfRole(role) });
      }
    }
    return found;
  }

  async close(): Promise<void> {}

  #read({ namespace }: RoleInPlace, leaseId: string): Promise<Binding | undefined> {
    const name = bindingName(leaseId);
    return this.#cluster.find<Binding>(({ rbac }) =>
      namespace === undefined
        ? rbac.readClusterRoleBinding({ name })
        : rbac.readNamespacedRoleBinding({ name, namespace }),
    );
  }

  async #bindings({ namespace }: RoleInPlace, labelSelector?: string): Promise<readonly Binding[]> {
    const selector = labelSelector === undefined ? {} : { labelSelector };
    const { items } = await this.#cluster.call<{ items: readonly Binding[] }>(({ rbac }) =>
      namespace === undefined
        ? rbac.listClusterRoleBinding(selector)
        : rbac.listNamespacedRoleBinding({ namespace, ...selector }),
    );
    return items;
  }

  #isOurs({ metadata }: Binding, leaseId: string): boolean {
    const annotations = metadata?.annotations ?? {};
    return annotations[LEASE] === leaseId && annotations[CONNECTOR] === this.name;
  }
}

/** A connector with least privilege may read only what the catalog names, so it cannot tell the two apart. */
const OR_UNSEEN = ', or the connector may not see it';

/** Returns why an account cannot be bound to a role, or undefined. Nobody can ask Kubernetes whether a user or a group exists. */
async function refusalOf(
  cluster: Cluster,
  account: string,
  grant: CatalogGrant,
): Promise<string | undefined> {
  const role = roleOf(grant);
  if (role === undefined) return 'the catalog names neither a role in a namespace nor a clusterRole';
  return (await refusalOfRole(cluster, role)) ?? refusalOfAccount(cluster, account);
}

/** Returns why a role cannot be bound, or undefined. */
export async function refusalOfRole(cluster: Cluster, role: RoleInPlace): Promise<string | undefined> {
  const { kind, name, namespace } = role;
  if (namespace !== undefined && !(await cluster.see(({ core }) => core.readNamespace({ name: namespace }))))
    return `there is no namespace ${namespace}${OR_UNSEEN}`;
  const found = await cluster.see<unknown>(({ rbac }) =>
    kind === 'ClusterRole' || namespace === undefined
      ? rbac.readClusterRole({ name })
      : rbac.readNamespacedRole({ name, namespace }),
  );
  return found === undefined ? `there is no ${kind} ${name}${OR_UNSEEN}` : undefined;
}

/** Returns why nothing can be given to an account, or undefined. */
export async function refusalOfAccount(cluster: Cluster, account: string): Promise<string | undefined> {
  const subject = subjectOf(account);
  if (subject === undefined)
    return `the account ${account} is one of Kubernetes' own; access cannot be given to it`;
  const { kind, name, namespace } = subject;
  if (kind !== 'ServiceAccount' || namespace === undefined) return undefined;
  const found = await cluster.see(({ core }) => core.readNamespacedServiceAccount({ name, namespace }));
  return found === undefined ? `there is no service account ${name} in ${namespace}${OR_UNSEEN}` : undefined;
}

const bindingName = (leaseId: string): string => `countersign-${leaseId}`;

function partsOf(account: string, grant: CatalogGrant) {
  const [role, subject] = [roleOf(grant), subjectOf(account)];
  if (role === undefined || subject === undefined)
    throw new TargetUnavailable('a lease that this connector cannot have given', undefined, true);
  return { role, subject };
}

/** Returns who a binding binds to this role: nobody if it is for another one. */
const subjectsOf = ({ roleRef, subjects }: Binding, { kind, name }: RoleInPlace): readonly RbacV1Subject[] =>
  roleRef.kind === kind && roleRef.name === name ? (subjects ?? []) : [];

const isSame = (one: RbacV1Subject, other: RbacV1Subject): boolean => accountOf(one) === accountOf(other);

function isFor(binding: Binding, role: RoleInPlace, subject: RbacV1Subject): boolean {
  const subjects = subjectsOf(binding, role);
  return subjects.length === 1 && subjects.every((one) => isSame(one, subject));
}
