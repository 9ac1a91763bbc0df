import { createConnectors } from '../../src/connectors';
import type { CatalogGrant } from '../../src/connectors/contract';
import { authorise } from '../../src/connectors/kit';
import { kubernetes } from '../../src/connectors/kubernetes/definition';
import { KubernetesRoles } from '../../src/connectors/kubernetes/target';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { startPostgres, type TestPostgres } from '../support/postgres';
import type { TestKube } from '../support/targets/kube';
import { ASIDE, GRANTS, IN_PAYMENTS, PaymentsCluster } from '../support/targets/payments-cluster';

let cluster: PaymentsCluster;
let kube: TestKube;
let kubeconfig: string;
let postgres: TestPostgres;
beforeAll(async () => {
  [cluster, postgres] = await Promise.all([PaymentsCluster.start(), startPostgres()]);
  ({ kube, kubeconfig } = cluster);
}, 1_200_000);
afterAll(async () => {
  await kube?.stop();
  postgres?.stop();
});

describe('TGT-4 a misconfigured cluster is told at once and exactly', () => {
  const access = { account: 'jonas', grant: GRANTS.write, grantName: 'Role pod-reader in payments' };
  const lease = { leaseId: 'wrong-0001', expiresAtMs: Date.now() + 60_000 };
  const checks = async (file: string, grants: readonly CatalogGrant[] = Object.values(GRANTS)) =>
    (await kubernetes.check({ kubeconfig: file }, { grants, accounts: ['jonas'] })).map(
      ({ what, ok, detail }) => `${ok ? 'ok' : 'FAIL'} ${what}: ${detail}`,
    );

  test('what setup prints is enough for check, and gives no right to read what the roles allow', async () => {
    expect((await checks(kubeconfig)).filter((line) => !line.startsWith('ok'))).toEqual([]);
    const token = await kube.tokenOf('countersign', 'countersign-warehouse');
    expect(await cluster.works(token)).toBe(false);
    const to = (name: string, kind: string) => ({
      ...ASIDE,
      metadata: { name: 'escalated' },
      roleRef: { ...ASIDE.roleRef, kind, name },
    });
    const refused = await kube.ask(
      token,
      'POST',
      `${IN_PAYMENTS}/rolebindings`,
      to('cluster-admin', 'ClusterRole'),
    );
    expect(refused.status).toBe(403);
  });

  test('a wrong token and a missing right are permanent, in the words of the cluster, without the secret', async () => {
    const wrong = new KubernetesRoles({ kubeconfig: kube.kubeconfig('wrong', 'not-this-one') }, 'warehouse');
    await expect(wrong.give(access, lease)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^the cluster refused: 401 (?!.*not-this-one)/),
    });
    const weak = new KubernetesRoles({ kubeconfig: kube.kubeconfig('weak', 'mira-token') }, 'warehouse');
    await expect(weak.give(access, lease)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^the cluster refused: 403 .*"mira" cannot create/),
    });
    expect(await checks(kube.kubeconfig('wrong', 'not-this-one'))).toEqual([
      expect.stringMatching(/^FAIL reach: the cluster refused: 401/),
    ]);
  });

  test('check names what is not there and what the connector may not do', async () => {
    const unbound = { namespace: 'payments', clusterRole: 'edit' };
    const nowhere = { namespace: 'nowhere', role: 'pod-reader' };
    const admin = kube.kubeconfig('admin', 'admin');
    expect(await checks(admin, [nowhere, { namespace: 'payments', role: 'nothing' }])).toEqual([
      'ok reach: the API server answers',
      expect.stringMatching(/^FAIL Role pod-reader in nowhere: there is no namespace nowhere/),
      expect.stringMatching(/^FAIL Role nothing in payments: there is no Role nothing/),
      'ok account jonas: can be given',
    ]);
    expect((await checks(kubeconfig, [unbound])).join()).toMatch(
      /FAIL ClusterRole edit in payments: there is no ClusterRole edit, or the connector may not see it; .*connector setup/,
    );
  });

  test('a kubeconfig that is not there, and an address where nothing listens', async () => {
    expect(await checks('/nowhere/kubeconfig')).toEqual([
      'FAIL reach: the kubeconfig of the connector cannot be read',
    ]);
    const nobody = kube.kubeconfig('nobody', 'x', 'https://127.0.0.1:1');
    expect(await checks(nobody)).toEqual(['FAIL reach: the cluster cannot be reached (ECONNREFUSED)']);
  });

  test('odd names: what Kubernetes takes is given, what it cannot have is refused by the catalog', async () => {
    const odd = "jürgen o'brien@example.com";
    const target = new KubernetesRoles({ kubeconfig }, 'warehouse');
    const connector = new LeaseBookConnector({ name: 'warehouse', target, url: postgres.url });
    await connector.provision(await authorise({ id: 'odd-names-0001', account: odd, grant: GRANTS.write }));
    expect((await connector.list('alive')).leases).toMatchObject([{ account: odd, present: true }]);
    await connector.revoke('odd-names-0001', 'revoked');
    await connector.close();
    for (const grant of [
      { namespace: 'Payments', role: 'x' },
      { namespace: 'payments', role: 'a/b' },
      { role: 'x' },
    ])
      expect(kubernetes.grant.safeParse(grant).success).toBe(false);
    expect(kubernetes.account?.safeParse('system:admin').success).toBe(false);
  });

  test('a connector is made from its settings as a worker makes it', async () => {
    const env = {
      COUNTERSIGN_CONNECTOR_CLUSTER_KUBECONFIG: kubeconfig,
      COUNTERSIGN_LEASES_URL: postgres.url,
    };
    const made = await createConnectors([{ name: 'cluster', kind: 'kubernetes' }], env);
    expect((await made.get('cluster')?.list())?.leases).toEqual([]);
    await made.get('cluster')?.close();
  });
});
