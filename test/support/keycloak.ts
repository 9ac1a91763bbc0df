import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';
import { freePort } from '../../src/stack/free-port';
import { installDebian } from './debian';
import { eventually } from './harness-wait';

const VERSION = '26.4.7';
const JAVA = '/usr/bin/java';
const MAVEN = '/usr/bin/mvn';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack';
/** Half of what Keycloak lets a token of an administrator live. */
const TOKEN_FOR_MS = 30_000;
const ADMIN = { username: 'admin', password: 'the-admin-of-the-tests' };

/**
 * Returns the folder of Keycloak: as it is after a start, if it was started before, since it builds itself anew at the first one. Gets
 * it from Maven Central on first use.
 */
export function provideKeycloak(): string {
  if (existsSync(started())) return started();
  const folder = path.join(cacheDir(), `keycloak-${VERSION}`);
  if (existsSync(folder)) return folder;
  if (!existsSync(JAVA) || !existsSync(MAVEN)) installDebian('openjdk-17-jre-headless', 'maven');
  toStderr(`getting Keycloak ${VERSION} from Maven Central (159 MB, kept in ${folder})`);
  mkdirSync(cacheDir(), { recursive: true });
  const part = mkdtempSync(path.join(cacheDir(), 'keycloak-part-'));
  const artifact = `-Dartifact=org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
  execFileSync(MAVEN, ['-q', '-B', UNPACK, artifact, `-DoutputDirectory=${part}`], {
    cwd: part,
    stdio: 'pipe',
  });
  try {
    renameSync(path.join(part, `keycloak-${VERSION}`), folder);
  } catch (error) {
    // Another test got it at the same moment.
    if (!existsSync(folder)) throw error;
  }
  rmSync(part, { recursive: true, force: true });
  return folder;
}

const started = (): string => path.join(cacheDir(), `keycloak-${VERSION}-started`);

/** Keeps what Keycloak built of itself. Several tests may do so at once; the first one counts. */
function keep(dir: string): void {
  if (existsSync(started())) return;
  const part = mkdtempSync(path.join(cacheDir(), 'keycloak-part-'));
  cpSync(dir, part, { recursive: true, filter: (source) => !source.startsWith(path.join(dir, 'data')) });
  try {
    renameSync(part, started());
  } catch {
    rmSync(part, { recursive: true, force: true });
  }
}

/** A real Keycloak for one test file, on loopback, with its data in memory. It takes ten seconds to start, and a minute the first time. */
export class TestKeycloak {
  #token = { text: '', untilMs: 0 };

  private constructor(
    readonly url: string,
    private readonly dir: string,
    private readonly process: ChildProcess,
  ) {}

  static async start(): Promise<TestKeycloak> {
    const kept = provideKeycloak();
    const port = await freePort();
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-keycloak-'));
    // It writes into its own folder.
    cpSync(kept, dir, { recursive: true });
    const child = spawn(
      'sh',
      ['bin/kc.sh', 'start-dev', '--db=dev-mem', '--http-host=127.0.0.1', `--http-port=${port}`],
      {
        cwd: dir,
        // The script starts Java as its child; a group of their own ends both.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx640m',
          KC_BOOTSTRAP_ADMIN_USERNAME: ADMIN.username,
          KC_BOOTSTRAP_ADMIN_PASSWORD: ADMIN.password,
        },
      },
    );
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        said = `${said}${chunk}`.slice(-4_000);
      });
    const keycloak = new TestKeycloak(`http://127.0.0.1:${port}`, dir, child);
    try {
      await eventually(
        'Keycloak answers',
        async () => {
          if (child.exitCode !== null) throw new Error(`Keycloak ended: ${said}`);
          return fetch(`${keycloak.url}/realms/master`).then(
            ({ ok }) => ok || undefined,
            () => undefined,
          );
        },
        600_000,
      );
    } catch (error) {
      await keycloak.stop();
      throw error;
    }
    keep(dir);
    return keycloak;
  }

  /** Makes a realm from its representation, with its clients, users and groups. Returns its issuer. */
  async makeRealm(
    representation: { readonly realm: string } & Readonly<Record<string, unknown>>,
  ): Promise<string> {
    await this.admin('POST', '/admin/realms', { enabled: true, sslRequired: 'none', ...representation });
    return `${this.url}/realms/${representation.realm}`;
  }

  /** Calls the admin API, for example `/admin/realms/company/users?username=mira`. */
  async admin(method: string, where: string, body?: unknown): Promise<unknown> {
    const bearer = await this.#bearer();
    const answer = await fetch(`${this.url}${where}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Keycloak: ${method} ${where}: ${answer.status} ${text.slice(0, 300)}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Returns a token of the administrator. It is kept for a while, because each one costs the server a slow hash of the password. */
  async #bearer(): Promise<string> {
    if (Date.now() < this.#token.untilMs) return this.#token.text;
    const answer = await fetch(`${this.url}/realms/master/protocol/openid-connect/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...ADMIN }),
    });
    const { access_token: text } = JSON.parse(await answer.text());
    this.#token = { text, untilMs: Date.now() + TOKEN_FOR_MS };
    return text;
  }

  async stop(): Promise<void> {
    const { pid, exitCode } = this.process;
    if (pid !== undefined && exitCode === null) {
      const ended = new Promise((resolve) => this.process.once('exit', resolve));
      process.kill(-pid, 'SIGKILL');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}
