import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { readSettings } from '../../src/contracts/settings';
import { gatewayConfigSchema } from '../../src/gateway/config';
import { EXAMPLE_BUNDLE_DIR } from '../../src/project';
import { helm } from '../support/targets/helm';
import { TestKube } from '../support/targets/kube';

/* The Helm chart, by helm itself, and as a real kube-apiserver takes it. Nothing is started: that takes nodes. */

jest.setTimeout(180_000);

/** As the real server below. */
const KUBE = '1.34.4';
const CHART = path.resolve(EXAMPLE_BUNDLE_DIR, '../deploy/helm/countersign');

interface Values {
  readonly [name: string]: unknown;
}

/** What an installation says at least. */
const LEAST: Values = {
  temporal: { address: 'temporal.example:7233' },
  bundle: { configMap: 'countersign-bundle' },
  ledger: { secret: 'countersign-ledger', key: 'url' },
  gateway: {
    publicUrl: 'https://access.example.com',
    key: { secret: 'countersign-gateway', key: 'attestation.jwk' },
    decisionKey: { secret: 'countersign-gateway', key: 'decisions.jwk' },
  },
};

/** Everything that can be turned on. */
const MOST: Values = {
  ...LEAST,
  image: { digest: `sha256:${'a'.repeat(64)}`, pullSecrets: ['registry'] },
  temporal: {
    ...{ address: 'ns.acct.tmprl.cloud:7233', namespace: 'ns.acct', taskQueue: 'approvals' },
    ...{ tlsSecret: 'temporal-tls', apiKey: { secret: 'temporal', key: 'api-key' } },
  },
  bundle: {
    gitSync: { repository: 'git@git.example.com:acme/access.git', path: 'bundle', sshSecret: 'git' },
  },
  tickets: { configMap: 'tickets' },
  leases: { secret: 'leases', key: 'url' },
  register: { secret: 'register', key: 'url' },
  archive: { secret: 'archive', key: 'url' },
  codecKeys: { secret: 'codec', key: 'keys.json' },
  connectors: [
    { name: 'pay-db', setting: 'url', secret: 'pay-db', key: 'url' },
    { name: 'pay-db', setting: 'caFile', secret: 'pay-db', key: 'ca.crt' },
  ],
  worker: { notify: { secret: 'notify', key: 'notify.yaml' }, env: { COUNTERSIGN_LOG_LEVEL: 'warn' } },
  gateway: {
    ...(LEAST['gateway'] as object),
    config: { dpop: { nonces: true }, enforcementPoints: ['service/runner'] },
    ingress: { enabled: true, className: 'nginx', tlsSecret: 'access-tls' },
  },
  metrics: { enabled: true, monitor: { enabled: true, labels: { team: 'platform' } } },
  networkPolicy: {
    enabled: true,
    gatewayFrom: [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }],
    egress: [{ ports: [{ port: 7233, protocol: 'TCP' }] }],
  },
  serviceAccount: { mountToken: true },
};

// biome-ignore lint/suspicious/noExplicitAny: manifests of many kinds, and a test fails where they differ
type Manifest = any;

function render(values: Values): readonly Manifest[] {
  const text = helm(
    ['template', 'acme', CHART, '--namespace', 'access', '--kube-version', KUBE, '--values', '-'],
    stringify(values),
  );
  // As helm and Kubernetes read it, where 0440 is octal.
  return parseAllDocuments(text, { version: '1.1' }).flatMap((one) => one.toJS() ?? []);
}

const podsOf = (manifests: readonly Manifest[]) =>
  manifests.flatMap(({ kind, metadata, spec }) =>
    kind === 'Deployment' || kind === 'Job'
      ? [{ name: metadata.name as string, pod: spec.template.spec }]
      : [],
  );
const containersOf = ({ pod }: { pod: Manifest }): readonly Manifest[] => [
  ...(pod.initContainers ?? []),
  ...pod.containers,
];

describe.each([
  ['with the least that it needs', LEAST],
  ['with all that it has', MOST],
])('SHP-1 the chart %s', (_, values) => {
  const manifests = () => render(values);

  test('is without a fault by its own linter', () => {
    expect(
      helm(['lint', '--strict', '--kube-version', KUBE, CHART, '--values', '-'], stringify(values)),
    ).toContain('0 chart(s) failed');
  });

  test('confines every container: not root, nothing to write but what is named, no capabilities, no token that it has no use for', () => {
    const pods = podsOf(manifests());
    expect(pods.map(({ name }) => name).sort()).toEqual(
      ['gateway', 'migrations', 'worker'].map((name) => `acme-countersign-${name}`),
    );
    for (const { name, pod } of pods) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.automountServiceAccountToken).toBe(values === MOST && name.endsWith('worker'));
      for (const container of containersOf({ pod })) {
        expect(container.securityContext).toMatchObject({
          ...{
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        });
        expect(container.resources.limits.memory).toBeDefined();
      }
    }
  });

  test('gives programs settings that they know, and secrets as files that only their group can read', () => {
    for (const { pod } of podsOf(manifests())) {
      const [{ env }] = pod.containers;
      const set = Object.fromEntries(env.map(({ name, value = '' }: Manifest) => [name, value]));
      expect(readSettings(set)).toMatchObject({ ok: true });
      const secrets = pod.volumes.find(({ name }: Manifest) => name === 'secrets');
      expect(secrets.projected.defaultMode).toBe(0o440);
      const paths = secrets.projected.sources.flatMap(({ secret }: Manifest) => secret.items[0].path);
      for (const value of Object.values<string>(set))
        if (value.startsWith('/run/secrets/countersign/')) expect(paths).toContain(path.basename(value));
      expect(new Set(paths).size).toBe(paths.length);
    }
  });

  test('mounts what it declares, and declares what it mounts', () => {
    for (const { pod } of podsOf(manifests())) {
      const declared = pod.volumes.map(({ name }: Manifest) => name).sort();
      const mounted = containersOf({ pod }).flatMap(({ volumeMounts }) =>
        volumeMounts.map(({ name }: Manifest) => name),
      );
      expect([...new Set(mounted)].sort()).toEqual(declared);
    }
  });

  test('probes that a program is alive, and never whether Temporal is', () => {
    const [gateway, worker] = ['gateway', 'worker'].map(
      (name) => podsOf(manifests()).find((one) => one.name.endsWith(name))?.pod.containers[0],
    );
    expect(gateway.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'http' });
    expect(worker.livenessProbe.httpGet).toEqual({ path: '/livez', port: 'health' });
    expect(worker.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
  });

  test('writes a gateway.yaml that the gateway reads, for the address that is public', () => {
    const { data } = manifests().find(({ kind }) => kind === 'ConfigMap');
    const [config] = parseAllDocuments(data['gateway.yaml']).map((one) => one.toJS());
    expect(gatewayConfigSchema.parse(config)).toMatchObject({ publicUrl: 'https://access.example.com' });
  });
});

describe('SHP-1 what the chart refuses, with what is wrong and where', () => {
  const gateway = LEAST['gateway'] as object;
  test.each<[string, Values, RegExp]>([
    ['no address of Temporal', { ...LEAST, temporal: {} }, /temporal/],
    ['no bundle', { ...LEAST, bundle: {} }, /set one of bundle\.configMap/],
    ['no ledger', { ...LEAST, ledger: { secret: '' } }, /ledger/],
    ['no decision key', { ...LEAST, gateway: { ...gateway, decisionKey: { secret: '' } } }, /decisionKey/],
    ['a misspelt setting', { ...LEAST, worker: { replica: 3 } }, /replica/],
    [
      'a setting that is not ours',
      { ...LEAST, worker: { env: { NODE_OPTIONS: '--inspect' } } },
      /NODE_OPTIONS/,
    ],
    ['no public address', { ...LEAST, gateway: { ...gateway, publicUrl: '' } }, /publicUrl/],
    [
      'a folder outside the repository',
      { ...LEAST, bundle: { gitSync: { repository: 'x', path: '../etc' } } },
      /path/,
    ],
  ])('%s', (_, values, told) => {
    expect(() => render(values)).toThrow(told);
  });
});

describe('SHP-1 a real kube-apiserver takes what the chart makes', () => {
  let kube: TestKube;
  beforeAll(async () => {
    kube = await TestKube.start();
    await kube.make('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'access' },
    });
  });
  afterAll(() => kube?.stop());

  test.each([
    ['the least', LEAST],
    ['all', MOST],
  ])('%s, every object, with no field that it does not know', async (_, values) => {
    // What the Prometheus operator brings is not known to a bare server.
    const own = render(values).filter(({ kind }) => kind !== 'PodMonitor');
    expect(own.length).toBeGreaterThan(6);
    for (const object of own) {
      const { apiVersion, kind, metadata } = object;
      const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
      const plural = kind.endsWith('y')
        ? `${kind.slice(0, -1)}ies`
        : kind.endsWith('s')
          ? `${kind}es`
          : `${kind}s`;
      const where = `${base}/namespaces/access/${plural.toLowerCase()}?dryRun=All&fieldValidation=Strict`;
      const { status, body } = await kube.ask('admin', 'POST', where, {
        ...object,
        metadata: { ...metadata, namespace: 'access' },
      });
      expect([kind, status, status === 201 ? '' : body]).toEqual([kind, 201, '']);
    }
  });
});
