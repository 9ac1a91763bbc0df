import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'ldapts';
import { freePort } from '../../src/stack/free-port';
import { makeCertificate } from './certificate';
import { installDebian } from './debian';
import { eventually } from './harness-wait';
import { TcpChangeProxy } from './targets/tcp-change-proxy';

const SLAPD = '/usr/sbin/slapd';
const ROOT = 'cn=root,dc=example,dc=com';
export const LOGIN = 'cn=countersign,dc=example,dc=com';
/** A login that may read everything and write nothing. Its password is the same. */
export const READER = 'cn=reader,dc=example,dc=com';
export const PASSWORD = 'secret-of-the-directory';

/** People and groups. The connector's login is the permanent member of the groups, which may not be empty. */
const ENTRIES = `
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ${LOGIN}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: countersign
userPassword: ${PASSWORD}

dn: ${READER}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: ${PASSWORD}

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: uid=jonas,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: jonas
cn: Jonas
sn: Berg

dn: cn=dba,dc=example,dc=com
objectClass: groupOfNames
cn: dba
member: ${LOGIN}

dn: cn=vault,dc=example,dc=com
objectClass: applicationProcess
cn: vault

dn: cn=ops,dc=example,dc=com
objectClass: groupOfUniqueNames
cn: ops
uniqueMember: ${LOGIN}

dn: cn=shell,dc=example,dc=com
objectClass: posixGroup
cn: shell
gidNumber: 4000
`;

export function provideSlapd(): void {
  if (!existsSync(SLAPD)) installDebian('slapd');
}

/** A real OpenLDAP server for one test file, on loopback, with its data in a folder of its own. */
export class TestLdap {
  #process: ChildProcess | undefined;

  private constructor(
    private readonly dir: string,
    readonly port: number,
    /** Stands between a connector and the directory. */
    readonly proxy: TcpChangeProxy,
    readonly ca: string,
  ) {}

  static async start(): Promise<TestLdap> {
    provideSlapd();
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-ldap-'));
    const { certFile, keyFile } = makeCertificate(dir);
    mkdirSync(path.join(dir, 'db'));
    const schemas = ['core', 'cosine', 'inetorgperson', 'nis'];
    const configuration = [
      ...schemas.map((name) => `include /etc/ldap/schema/${name}.schema`),
      ...['modulepath /usr/lib/ldap', 'moduleload back_mdb', `pidfile ${dir}/pid`],
      ...[`TLSCertificateFile ${certFile}`, `TLSCertificateKeyFile ${keyFile}`],
      ...['database mdb', 'suffix "dc=example,dc=com"', `rootdn "${ROOT}"`, `rootpw ${PASSWORD}`],
      ...[`directory ${dir}/db`, 'access to dn.exact="cn=vault,dc=example,dc=com"'],
      '  by group.exact="cn=dba,dc=example,dc=com" read by * none',
      ...[`access to * by dn.exact="${LOGIN}" write by dn.exact="${READER}" read`],
      '  by anonymous auth by * none',
    ];
    writeFileSync(path.join(dir, 'slapd.conf'), `${configuration.join('\n')}\n`);
    writeFileSync(path.join(dir, 'entries.ldif'), ENTRIES.trimStart());
    execFileSync('/usr/sbin/slapadd', ['-f', `${dir}/slapd.conf`, '-l', `${dir}/entries.ldif`], {
      stdio: 'ignore',
    });
    const port = await freePort();
    const ldap = new TestLdap(dir, port, await TcpChangeProxy.start(port, isModify), certFile);
    await ldap.restart();
    return ldap;
  }

  /** The address that a connector is given. It leads through a proxy that can lose changes. */
  get url(): string {
    return `ldap://127.0.0.1:${this.proxy.port}`;
  }

  /** Works on the directory as its administrator, past the connector. */
  async asRoot<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({
      url: `ldap://127.0.0.1:${this.port}`,
      // Longer than the connector waits: on a busy machine, no answer in time would look like no access.
      timeout: 30_000,
      connectTimeout: 30_000,
    });
    try {
      await client.bind(ROOT, PASSWORD);
      return await work(client);
    } finally {
      await client.unbind();
    }
  }

  async restart(): Promise<void> {
    const args = ['-d', '0', '-f', `${this.dir}/slapd.conf`, '-h', `ldap://127.0.0.1:${this.port}`];
    this.#process = spawn(SLAPD, args, { stdio: 'ignore' });
    await eventually('slapd answers', () => this.asRoot(async () => true).catch(() => undefined));
  }

  async halt(): Promise<void> {
    const running = this.#process;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await ended;
    this.proxy.cut();
  }

  async stop(): Promise<void> {
    await this.halt();
    await this.proxy.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A modify request of LDAP without TLS: a sequence, an id, and the tag 0x66 (RFC 4511 section 4.6). */
export function isModify(data: Buffer): boolean {
  const lengthBytes = (data[1] ?? 0) > 0x80 ? (data[1] ?? 0) - 0x80 : 0;
  const idAt = 2 + lengthBytes;
  return data[0] === 0x30 && data[idAt] === 0x02 && data[idAt + 2 + (data[idAt + 1] ?? 0)] === 0x66;
}
