import type { CatalogGrant } from '../../../src/connectors/contract';
import { kubernetes } from '../../../src/connectors/kubernetes/definition';
import { TestKube } from './kube';

export const GRANTS = {
  read: { namespace: 'reporting', clusterRole: 'pod-viewer' },
  write: { namespace: 'payments', role: 'pod-reader' },
  admin: { clusterRole: 'pod-viewer' },
} satisfies Record<string, CatalogGrant>;
export const IN_PAYMENTS = '/apis/rbac.authorization.k8s.io/v1/namespaces/payments';
const POD_READER = {
  metadata: { name: 'pod-reader' },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
};

/** A binding of the role that somebody makes by hand. */
export const ASIDE = {
  metadata: { name: 'given-by-hand' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pod-reader' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jonas' }],
};

/** A cluster with the namespaces and roles of a payments service, and a login of a connector as `connector setup` prints it. */
export class PaymentsCluster {
  private constructor(
    readonly kube: TestKube,
    readonly kubeconfig: string,
  ) {}

  static async start(): Promise<PaymentsCluster> {
    const kube = await TestKube.start();
    for (const name of ['payments', 'reporting'])
      await kube.make('/api/v1/namespaces', { metadata: { name } });
    await kube.make(`${IN_PAYMENTS}/roles`, POD_READER);
    const viewer = { ...POD_READER, metadata: { name: 'pod-viewer' } };
    await kube.make('/apis/rbac.authorization.k8s.io/v1/clusterroles', viewer);
    await kube.make('/api/v1/namespaces/payments/serviceaccounts', { metadata: { name: 'deployer' } });
    await kube.apply(manifest());
    const token = await kube.tokenOf('countersign', 'countersign-warehouse');
    const kubeconfig = kube.kubeconfig('connector', token);
    // Jest compiles the library of the cluster at its first call, which takes longer than a transaction may wait.
    await kubernetes.check({ kubeconfig }, { grants: [], accounts: [] });
    return new PaymentsCluster(kube, kubeconfig);
  }

  /** Tries, past every connector, whether a token lists the pods of the namespace. */
  async works(token = 'jonas-token', where = '/api/v1/namespaces/payments/pods'): Promise<boolean> {
    const { status } = await this.kube.ask(token, 'GET', where);
    if (status !== 200 && status !== 403) throw new Error(`${where}: ${status}`);
    return status === 200;
  }

  /** Makes a binding by hand. */
  async giveAside(binding: object = ASIDE): Promise<void> {
    await this.kube.make(`${IN_PAYMENTS}/rolebindings`, binding);
  }

  /** Takes every binding of the role away. */
  async takeAside(): Promise<void> {
    const own = ['countersign-warehouse', 'countersign-warehouse-accounts'];
    const others = own.map((name) => `metadata.name!=${name}`).join(',');
    const where = `${IN_PAYMENTS}/rolebindings?fieldSelector=${encodeURIComponent(others)}`;
    await this.kube.ask('admin', 'DELETE', where);
  }
}

function manifest(): string {
  const accounts: string[] = ['jonas', 'group:oncall', 'system:serviceaccount:payments:deployer'];
  accounts.push('system:serviceaccount:payments:nobody');
  return kubernetes.setUp({ grants: Object.values(GRANTS), accounts }, 'countersign_warehouse');
}
