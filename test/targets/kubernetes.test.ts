import type { CatalogGrant } from '../../src/connectors/contract';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { kubernetes } from '../../src/connectors/kubernetes/definition';
import { KubernetesRoles } from '../../src/connectors/kubernetes/target';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { startPostgres, type TestPostgres } from '../support/postgres';
import type { TestKube } from '../support/targets/kube';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';
import { ASIDE, GRANTS, IN_PAYMENTS, PaymentsCluster } from '../support/targets/payments-cluster';

const OF_MIRA = 'given-to-mira';

let cluster: PaymentsCluster;
let kube: TestKube;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
beforeAll(async () => {
  [cluster, postgres] = await Promise.all([PaymentsCluster.start(), startPostgres()]);
  kube = cluster.kube;
  connector = connect();
}, 1_200_000);
afterAll(async () => {
  await connector?.close();
  await kube?.stop();
  postgres?.stop();
});

const connect = (name = 'warehouse') => {
  const target = new KubernetesRoles({ kubeconfig: cluster.kubeconfig }, name);
  return new LeaseBookConnector({ name, target, url: postgres.url });
};
const works = (token?: string, where?: string) => cluster.works(token, where);
const giveAside = () => cluster.giveAside();
const takeAside = () => cluster.takeAside();
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
    await kube.make(where, { ...ASIDE, metadata: { name: 'countersign-replaced-0001' } });
    expect(await connector.revoke('replaced-0001', 'revoked')).toMatchObject({ accessRemoved: false });
    expect(await works()).toBe(true);
    expect((await connector.list()).drift).toEqual([
      { account: 'jonas', grant: 'Role pod-reader in payments' },
    ]);
    await takeAside();
  });

  test('a lease whose binding has a namesake that is not its own is not given', async () => {
    const where = `${IN_PAYMENTS}/rolebindings`;
    const own = { 'countersign/lease': 'namesake-0001', 'countersign/connector': 'warehouse' };
    const [mira] = ASIDE.subjects.map((one) => ({ ...one, name: 'mira' }));
    for (const other of [
      { ...ASIDE, metadata: { name: 'countersign-namesake-0001' } },
      { ...ASIDE, metadata: { name: 'countersign-namesake-0001', annotations: own }, subjects: [mira] },
    ]) {
      await kube.make(where, { ...other, roleRef: { ...ASIDE.roleRef, name: 'another' } });
      const giving = connector.provision(await proofOf('namesake-0001'));
      await expect(giving).rejects.toMatchObject({
        isPermanent: true,
        message: expect.stringMatching(/has a binding countersign-namesake-0001 that is not the one/),
      });
      expect(await works()).toBe(false);
      await takeAside();
    }
    await connector.revoke('namesake-0001', 'revoked');
  });

  test.each([
    ['nobody', {}],
    ['another lease', { 'countersign/lease': 'of-another', 'countersign/connector': 'warehouse' }],
    ['another connector', { 'countersign/lease': 'namesake-0002', 'countersign/connector': 'other' }],
  ])('a namesake that gives the same access, of %s, does not count as given', async (_, annotations) => {
    const name = 'countersign-namesake-0002';
    await kube.make(`${IN_PAYMENTS}/rolebindings`, { ...ASIDE, metadata: { name, annotations } });
    const access = { account: 'jonas', grant: GRANTS.write, grantName: 'Role pod-reader in payments' };
    const lease = { leaseId: 'namesake-0002', expiresAtMs: Date.now() + 60_000 };
    const target = new KubernetesRoles({ kubeconfig: cluster.kubeconfig }, 'warehouse');
    await expect(target.give(access, lease)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/has a binding countersign-namesake-0002 that is not the one/),
    });
    await target.take(access, lease);
    expect(await works()).toBe(true);
    await takeAside();
  });

  test('a binding that is made while the one of the lease is being taken away stays', async () => {
    const where = `${IN_PAYMENTS}/rolebindings`;
    await connector.provision(await proofOf('exchanged-0001'));
    const { body } = await kube.ask('admin', 'GET', `${where}/countersign-exchanged-0001`);
    const { metadata, roleRef, subjects } = JSON.parse(body);
    kube.proxy.nextChange = 'is held';
    const ending = connector.revoke('exchanged-0001', 'revoked').catch(() => 'refused');
    const carryOut = await kube.proxy.held();
    await kube.ask('admin', 'DELETE', `${where}/countersign-exchanged-0001`);
    const { name, annotations } = metadata;
    await kube.make(where, { metadata: { name, annotations }, roleRef, subjects });
    carryOut();
    expect(await ending).toBe('refused');
    expect(await works()).toBe(true);
    await takeAside();
    await connector.revoke('exchanged-0001', 'revoked');
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
    // It looks for what was left behind of grants that it has given.
    await other.provision(await proofOf('of-other-1', GRANTS.write, 'mira'));
    await other.revoke('of-other-1', 'revoked');
    await connector.provision(await proofOf('of-warehouse-1'));
    await other.revoke('of-warehouse-1', 'revoked');
    expect(await other.clearLeftBehind()).toEqual([]);
    expect(await works()).toBe(true);
    // Nothing of another connector was left behind by a lease of this one.
    expect(await other.findings.read()).toEqual([]);
    await connector.revoke('of-warehouse-1', 'revoked');
    await other.close();
  });
});

/** A program of the holder: it finds the cluster by KUBECONFIG, as kubectl does. */
const LIST_PODS = [
  "import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';",
  'const config = new KubeConfig();',
  'config.loadFromDefault();',
  "await config.makeApiClient(CoreV1Api).listNamespacedPod({ namespace: 'payments' });",
].join(' ');

const MISFITS = {
  'wrong-token': () => ({
    settings: { kubeconfig: kube.kubeconfig('wrong', WRONG_SECRET) },
    says: /the cluster refused: 401 Unauthorized/,
  }),
  'missing-right': () => ({
    settings: { kubeconfig: kube.kubeconfig('weak', 'mira-token') },
    says: /there is no namespace payments, or the connector may not see it/,
  }),
  'unknown-role': () => ({
    grant: { namespace: 'payments', role: `no:such'rôle"x` },
    says: /there is no Role no:such'rôle"x, or the connector may not see it/,
  }),
};

livesOnTarget('kubernetes', MISFITS, () => ({
  kind: 'kubernetes',
  settings: { kubeconfig: cluster.kubeconfig },
  account: 'jonas',
  grant: GRANTS.write,
  address: `kubeconfig://${kube.kubeconfig('jonas', 'jonas-token')}`,
  command: `node --input-type=module -e "${LIST_PODS}"`,
  works: () => works(),
  proxy: kube.proxy,
  outage: { halt: () => kube.halt(), restart: () => kube.restart() },
  other: {
    account: 'mira',
    give: () =>
      kube.make(`${IN_PAYMENTS}/rolebindings`, {
        ...ASIDE,
        metadata: { name: OF_MIRA },
        subjects: [{ ...ASIDE.subjects[0], name: 'mira' }],
      }),
    holds: () => works('mira-token'),
    take: async () => void (await kube.ask('admin', 'DELETE', `${IN_PAYMENTS}/rolebindings/${OF_MIRA}`)),
  },
}));
