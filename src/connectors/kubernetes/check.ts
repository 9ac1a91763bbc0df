import type { Expected, TargetCheck } from '../target-check';
import { Cluster, type KubernetesSettings } from './cluster';
import { nameOfRole, type RoleInPlace, roleOf } from './grant';
import { refusalOfAccount, refusalOfRole } from './target';

interface Right {
  readonly verb: string;
  readonly resource: string;
  readonly name?: string;
  readonly namespace?: string;
}

/** Checks reach, names and rights of a cluster. Asks the cluster what its login may do, and changes nothing. */
export async function checkCluster(
  settings: KubernetesSettings,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  const cluster = new Cluster(settings);
  const checks: TargetCheck[] = [];
  try {
    const { status } = await cluster.call(({ authorization }) =>
      authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { verb: 'get', resource: 'namespaces' } } },
      }),
    );
    checks.push({ what: 'reach', ok: status !== undefined, detail: 'the API server answers' });
  } catch (error) {
    return [{ what: 'reach', ok: false, detail: messageOf(error) }];
  }
  for (const grant of grants) {
    const role = roleOf(grant);
    if (role !== undefined) checks.push(await tryOut(nameOfRole(role), () => whyNotRole(cluster, role)));
  }
  for (const account of new Set(accounts))
    checks.push(await tryOut(`account ${account}`, () => refusalOfAccount(cluster, account)));
  return checks;
}

async function tryOut(what: string, whyNot: () => Promise<string | undefined>): Promise<TargetCheck> {
  const why = await whyNot().catch(messageOf);
  return why === undefined
    ? { what, ok: true, detail: 'can be given' }
    : { what, ok: false, detail: `${why}; correct the name, or run what connector setup prints` };
}

async function whyNotRole(cluster: Cluster, role: RoleInPlace): Promise<string | undefined> {
  const refusal = await refusalOfRole(cluster, role);
  if (refusal !== undefined) return refusal;
  const missing = await missingRights(cluster, rightsFor(role));
  return missing.length > 0 ? `the connector may not ${missing.join(', ')}` : undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function rightsFor(role: RoleInPlace): readonly Right[] {
  const place = role.namespace === undefined ? {} : { namespace: role.namespace };
  const resource = role.namespace === undefined ? 'clusterrolebindings' : 'rolebindings';
  const roles = role.kind === 'Role' ? 'roles' : 'clusterroles';
  return [
    ...['get', 'list', 'create', 'delete'].map((verb) => ({ verb, resource, ...place })),
    { verb: 'bind', resource: roles, name: role.name, ...place },
  ];
}

async function missingRights(cluster: Cluster, rights: readonly Right[]): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const right of rights) {
    const { status } = await cluster.call(({ authorization }) =>
      authorization.createSelfSubjectAccessReview({
        body: { spec: { resourceAttributes: { group: 'rbac.authorization.k8s.io', ...right } } },
      }),
    );
    if (status?.allowed !== true)
      missing.push(`${right.verb} ${right.resource} ${right.name ?? ''}`.trimEnd());
  }
  return missing;
}
