import { createConnectors } from '../../src/connectors';
import type { CatalogGrant } from '../../src/connectors/contract';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { kubernetes } from '../../src/connectors/kubernetes/definition';
import { KubernetesRoles } from '../../src/connectors/kubernetes/target';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { TestKube } from '../support/targets/kube';

const GRANTS = {
  read: { namespace: 'reporting', clusterRole: 'pod-viewer' },
  write: { namespace: 'payments', role: 'pod-reader' },
  admin: { clusterRole: 'pod-viewer' },
} satisfies Record<string, CatalogGrant>;
const IN_PAYMENTS = '/apis/rbac.authorization.k8s.io/v1/namespaces/payments';
const ASIDE = 'given-by-hand';
const POD_READER = {
  metadata: { name: 'pod-reader' },
  rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] }],
};

let kube: TestKube;
let postgres: TestPostgres;
let kubeconfig: string;
let connector: LeaseBookConnector;
beforeAll(async () => {
  kube = await TestKube.start();
  for (const name of ['payments', 'reporting']) await kube.make('/api/v1/namespaces', { metadata: { name } });
  await kube.make(`${IN_PAYMENTS}/roles`, POD_READER);
  const viewer = { ...POD_READER, metadata: { name: 'pod-viewer' } };
  await kube.make('/apis/rbac.authorization.k8s.io/v1/clusterroles', viewer);
  await kube.make('/api/v1/namespaces/payments/serviceaccounts', { metadata: { name: 'deployer' } });
  await kube.apply(manifest());
  kubeconfig = kube.kubeconfig('connector', await kube.tokenOf('countersign', 'countersign-warehouse'));
  postgres = await startPostgres();
  connector = connect();
  // Jest compiles the library of the cluster at its first call, which takes longer than a transaction may wait.
  await kubernetes.check({ kubeconfig }, { grants: [], accounts: [] });
}, 1_200_000);
afterAll(async () => {
  await connector?.close();
  await kube?.stop();
  postgres?.stop();
});

const manifest = () => {
  const accounts: string[] = ['jonas', 'group:oncall', 'system:serviceaccount:payments:deployer'];
  accounts.push('system:serviceaccount:payments:nobody');
  return kubernetes.setUp({ grants: Object.values(GRANTS), accounts }, 'countersign_warehouse');
};

const connect = (name = 'warehouse') =>
  new LeaseBookConnector({ name, target: new KubernetesRoles({ kubeconfig }, name), url: postgres.url });

const works = async (token = 'jonas-token', where = '/api/v1/namespaces/payments/pods') => {
  const { status } = await kube.ask(token, 'GET', where);
  expect([200, 403]).toContain(status);
  return status === 200;
};

const aside = {
  metadata: { name: ASIDE },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'pod-reader' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jonas' }],
};
const giveAside = () => kube.make(`${IN_PAYMENTS}/rolebindings`, aside);
/** Takes every binding of the role away. */
const takeAside = async () => {
  const own = ['countersign-warehouse', 'countersign-warehouse-accounts'];
  const others = own.map((name) => `metadata.name!=${name}`).join(',');
  await kube.ask(
    'admin',
    'DELETE',
    `${IN_PAYMENTS}/rolebindings?fieldSelector=${encodeURIComponent(others)}`,
  );
};
const proofOf = (id: string, grant: CatalogGrant = GRANTS.write, account = 'jonas') =>
  authorise({ id, account, grant });

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: roles of a Kubernetes cluster', () => {
  const contract = connectorContract({
    definition: kubernetes,
    connector: () => connector,
    account: 'jonas',
    grant: GRANTS.write,
    grantName: 'Role pod-reader in payments',
    unknown: [
      { account: 'group:system:masters' },
      { account: 'system:serviceaccount:payments:nobody' },
      { grant: { namespace: 'payments', role: 'nothing' } },
      { grant: { namespace: 'nowhere', role: 'pod-reader' } },
    ],
    access: { holds: () => works(), giveAside, takeAside },
    breakOff: async (work) => {
      kube.proxy.nextChange = 'is lost';
      await expect(work()).rejects.toThrow('the cluster cannot be reached');
    },
    outage: { halt: () => kube.halt(), restart: () => kube.restart() },
  });
  for (const { name, run } of contract) test(name, run, 120_000);
});

describe('TGT-1 what a Kubernetes cluster alone has', () => {
  test.each([
    ['a ClusterRole in a namespace', GRANTS.read, 'jonas', '/api/v1/namespaces/reporting/pods'],
    ['a ClusterRole in the whole cluster', GRANTS.admin, 'jonas', '/api/v1/pods'],
    ['a group', GRANTS.write, 'group:oncall', undefined],
    ['a service account', GRANTS.write, 'system:serviceaccount:payments:deployer', undefined],
  ])('%s', async (what, grant, account, where) => {
    const token = account.startsWith('system:') ? await kube.tokenOf('payments', 'deployer') : 'jonas-token';
    const id = `kinds-${what.replace(/\W/g, '-')}`;
    const tried = () => (account.startsWith('group:') ? Promise.resolve(undefined) : works(token, where));
    expect(await tried()).not.toBe(true);
    expect(await connector.provision(await proofOf(id, grant, account))).toMatchObject({
      outcome: 'granted',
    });
    expect(await tried()).not.toBe(false);
    const { leases, drift } = await connector.list('alive');
    expect(leases).toMatchObject([{ id, account, present: true }]);
    expect(drift).toEqual([]);
    expect(await connector.revoke(id, 'revoked')).toMatchObject({ accessRemoved: true });
    expect(await tried()).not.toBe(true);
  });

  test('each lease has its own labelled binding, and the end of one leaves those of the others', async () => {
    for (const id of ['own-binding-1', 'own-binding-2']) await connector.provision(await proofOf(id));
    const names = async () => {
      const query = '?labelSelector=app.kubernetes.io/managed-by=countersign';
      const { body } = await kube.ask('admin', 'GET', `${IN_PAYMENTS}/rolebindings${query}`);
      return JSON.parse(body).items.map((one: { metadata: { name: string } }) => one.metadata.name);
    };
    expect(await names()).toEqual(['countersign-own-binding-1', 'countersign-own-binding-2']);
    await connector.revoke('own-binding-1', 'revoked');
    expect(await names()).toEqual(['countersign-own-binding-2']);
    await connector.revoke('own-binding-2', 'revoked');
  });

  test('a binding that somebody puts in the place of a lease is not taken away', async () => {
    await connector.provision(await proofOf('replaced-0001'));
    const where = `${IN_PAYMENTS}/rolebindings`;
    await kube.ask('admin', 'DELETE', `${where}/countersign-replaced-0001`);
    await kube.make(where, { ...aside, metadata: { name: 'countersign-replaced-0001' } });
    expect(await connector.revoke('replaced-0001', 'revoked')).toMatchObject({ accessRemoved: false });
    expect(await works()).toBe(true);
    expect((await connector.list()).drift).toEqual([
      { account: 'jonas', grant: 'Role pod-reader in payments' },
    ]);
    await takeAside();
  });

  test('TGT-2 a change that is carried out after the lease has ended is undone by the reconciler', async () => {
    kube.proxy.nextChange = 'is held';
    const giving = connector.provision(await proofOf('late-change-1')).catch(() => 'broke');
    const carryOut = await kube.proxy.held();
    expect(await giving).toBe('broke');
    await connector.revoke('late-change-1', 'revoked');
    carryOut();
    while (!(await works()));
    expect(await connector.clearLeftBehind()).toEqual([]);
    expect(await works()).toBe(false);
  }, 60_000);

  test('TGT-2 two connectors of one cluster leave the bindings of each other alone', async () => {
    const other = connect('other');
    await connector.provision(await proofOf('of-warehouse-1'));
    await other.revoke('of-warehouse-1', 'revoked');
    await other.clearLeftBehind();
    expect(await works()).toBe(true);
    await connector.revoke('of-warehouse-1', 'revoked');
    await other.close();
  });
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
    expect(await works(token)).toBe(false);
    const to = (name: string, kind: string) => ({
      ...aside,
      metadata: { name: 'escalated' },
      roleRef: { ...aside.roleRef, kind, name },
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
    await connector.provision(await proofOf('odd-names-0001', GRANTS.write, odd));
    expect((await connector.list('alive')).leases).toMatchObject([{ account: odd, present: true }]);
    await connector.revoke('odd-names-0001', 'revoked');
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
