import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import { EXAMPLE_BUNDLE_DIR } from '../../../src/project';
import { freePort } from '../../../src/stack/free-port';
import { makeCertificate } from '../certificate';
import { goProgram } from '../go-program';
import { eventuallyTrue } from '../harness-wait';
import { ChangeProxy } from './change-proxy';

const SOURCE = path.resolve(EXAMPLE_BUNDLE_DIR, '../test/support/kube-etcd');
const FLAGS = ['-trimpath', '-ldflags=-s -w'];
const PEOPLE = ['jonas', 'mira'];

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Returns the paths of etcd and kube-apiserver, which are built once into the cache. */
export function kubePrograms(): { readonly etcd: string; readonly server: string } {
  const purpose = 'kube-apiserver for the tests, once (several minutes)';
  return {
    etcd: goProgram(SOURCE, 'etcd for the tests', FLAGS),
    server: goProgram(SOURCE, purpose, FLAGS, 'k8s.io/kubernetes/cmd/kube-apiserver'),
  };
}

/** A real kube-apiserver with its etcd, on loopback, and a proxy that can lose what connectors change. */
export class TestKube {
  #etcd: ChildProcess | undefined;
  #server: ChildProcess | undefined;

  private constructor(
    private readonly programs: { readonly etcd: string; readonly server: string },
    private readonly dir: string,
    private readonly ports: { readonly etcd: number; readonly peer: number; readonly server: number },
    private readonly certificate: ReturnType<typeof makeCertificate>,
    readonly proxy: ChangeProxy,
  ) {}

  static async start(): Promise<TestKube> {
    const { etcd, server } = kubePrograms();
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-kube-'));
    mkdirSync(path.join(dir, 'etcd'));
    chmodSync(path.join(dir, 'etcd'), 0o700);
    const certificate = makeCertificate(dir);
    const { certFile, keyFile } = certificate;
    execFileSync('openssl', ['genrsa', '-out', path.join(dir, 'sa.key'), '2048'], { stdio: 'ignore' });
    const rows = ['admin,admin,admin,system:masters', ...PEOPLE.map((one) => `${one}-token,${one},${one}`)];
    writeFileSync(path.join(dir, 'tokens.csv'), `${rows.join('\n')}\n`);
    const ports = { etcd: await freePort(), peer: await freePort(), server: await freePort() };
    const proxy = await ChangeProxy.start({
      upstream: () => new URL(`https://127.0.0.1:${ports.server}`),
      tls: { key: readFileSync(keyFile), cert: readFileSync(certFile) },
      isChange: ({ method, url }) =>
        /^(POST|DELETE)$/.test(method ?? '') && /bindings(\/|$|\?)/.test(url ?? ''),
    });
    const kube = new TestKube({ etcd, server }, dir, ports, certificate, proxy);
    kube.#startEtcd();
    try {
      await kube.restart();
      return kube;
    } catch (error) {
      await kube.stop();
      throw error;
    }
  }

  get port(): number {
    return this.ports.server;
  }

  /** With what a proxy shows itself as the API server to a client with a kubeconfig from here. */
  get tls(): { readonly key: Buffer; readonly cert: Buffer } {
    const { keyFile, certFile } = this.certificate;
    return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  }

  /** Makes the API server unreachable without losing anything, and brings it back. */
  async halt(): Promise<void> {
    await ended(this.#server);
  }

  async restart(): Promise<void> {
    const { dir, ports } = this;
    const args = [
      ...['--etcd-servers', `http://127.0.0.1:${ports.etcd}`, '--bind-address', '127.0.0.1'],
      ...['--secure-port', String(ports.server), '--cert-dir', path.join(dir, 'certs')],
      ...['--tls-cert-file', this.certificate.certFile],
      ...['--tls-private-key-file', this.certificate.keyFile],
      ...['--authorization-mode', 'RBAC', '--token-auth-file', path.join(dir, 'tokens.csv')],
      ...['--service-account-issuer', 'https://kubernetes.test', '--service-cluster-ip-range', '10.0.0.0/24'],
      ...['--service-account-key-file', path.join(dir, 'sa.key')],
      ...['--service-account-signing-key-file', path.join(dir, 'sa.key')],
      ...['--disable-admission-plugins', 'ServiceAccount', '--watch-cache=false'],
    ];
    const server = spawn(this.programs.server, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    server.stderr?.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
    this.#server = server;
    await eventuallyTrue(
      'kube-apiserver is ready',
      async () => {
        if (server.exitCode !== null) throw new Error(`kube-apiserver ended: ${said}`);
        const { status } = await this.ask('admin', 'GET', '/readyz').catch(() => ({ status: 0 }));
        return status === 200;
      },
      // Two seconds, but minutes on a machine that is busy with other tests.
      400_000,
    );
  }

  async stop(): Promise<void> {
    await ended(this.#server);
    await ended(this.#etcd);
    await this.proxy.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Asks the API server itself, past the proxy. */
  ask(token: string, method: string, where: string, body?: object): Promise<Answer> {
    const url = `https://127.0.0.1:${this.ports.server}${where}`;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const asked = httpsRequest(url, { method, headers, rejectUnauthorized: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      asked.on('error', reject);
      asked.end(body && JSON.stringify(body));
    });
  }

  /** Makes an object as the administrator. One that is there stays as it is. */
  async make(where: string, object: object): Promise<void> {
    const { status, body } = await this.ask('admin', 'POST', where, object);
    if (status !== 201 && status !== 409) throw new Error(`${where}: ${status} ${body}`);
  }

  /** Does what `kubectl apply -f` does with a manifest of new objects. */
  async apply(manifest: string): Promise<void> {
    for (const document of parseAllDocuments(manifest)) {
      const object = document.toJS();
      if (object === null) continue;
      const { apiVersion, kind, metadata } = object;
      const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
      const place = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
      await this.make(`${base}${place}/${String(kind).toLowerCase()}s`, object);
    }
  }

  /** Returns a token of a service account. */
  async tokenOf(namespace: string, name: string): Promise<string> {
    const where = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const { status, body } = await this.ask('admin', 'POST', where, { spec: { expirationSeconds: 7_200 } });
    if (status !== 201) throw new Error(`${where}: ${status} ${body}`);
    return JSON.parse(body).status.token;
  }

  /** Writes a kubeconfig and returns its path. */
  kubeconfig(name: string, token: string, server = this.proxy.url): string {
    const file = path.join(this.dir, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'test',
          cluster: {
            server,
            'certificate-authority-data': Buffer.from(this.certificate.ca).toString('base64'),
          },
        },
      ],
      users: [{ name, user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: name } }],
      'current-context': 'test',
    };
    writeFileSync(file, stringify(config), { mode: 0o600 });
    return file;
  }

  #startEtcd(): void {
    const { dir, ports } = this;
    const client = `http://127.0.0.1:${ports.etcd}`;
    const peer = `http://127.0.0.1:${ports.peer}`;
    const args = [
      ...['--data-dir', path.join(dir, 'etcd'), '--unsafe-no-fsync', '--log-level', 'error'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer],
      ...['--initial-advertise-peer-urls', peer, '--initial-cluster', `default=${peer}`],
    ];
    this.#etcd = spawn(this.programs.etcd, args, { stdio: 'ignore' });
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}
