import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { freePort } from '../../../src/stack/free-port';
import { installDebian } from '../debian';
import { eventually, eventuallyTrue } from '../harness-wait';

const SERVER = '/usr/sbin/sshd';
/** Privileges are given up in this folder, which Debian's service makes. */
const EMPTY = '/run/sshd';

export interface Login {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

export function provideSshd(): void {
  if (!existsSync(SERVER)) installDebian('openssh-server');
}

/** A real OpenSSH server on loopback. It lets in certificates of one authority, unless they are revoked, and nothing else. */
export class TestSshd {
  #server: ChildProcess | undefined;
  #said = '';

  private constructor(
    readonly dir: string,
    readonly port: number,
  ) {}

  /** @param principals who may log in as the user of the tests */
  static async start(principals: readonly string[]): Promise<TestSshd> {
    provideSshd();
    if (userInfo().uid === 0) mkdirSync(EMPTY, { recursive: true, mode: 0o755 });
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-sshd-'));
    for (const name of ['host', 'ca'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path.join(dir, name)]);
    execFileSync('ssh-keygen', ['-k', '-q', '-f', path.join(dir, 'krl')]);
    const sshd = new TestSshd(dir, await freePort());
    writeFileSync(path.join(dir, 'principals'), principals.map((one) => `${one}\n`).join(''));
    writeFileSync(path.join(dir, 'sshd_config'), sshd.#configuration());
    await sshd.restart();
    return sshd;
  }

  /** The private key of the authority that the server trusts. */
  get ca(): string {
    return path.join(this.dir, 'ca');
  }

  /** The user that everybody logs in as. */
  get user(): string {
    return userInfo().username;
  }

  get address(): string {
    return `ssh://${this.user}@127.0.0.1:${this.port}`;
  }

  /** Options that have a client know this server. */
  get trust(): readonly string[] {
    return ['-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'];
  }

  /** Puts a revocation list in the place of the last one, in one step, because a half list refuses everybody. */
  revoke(krl: Buffer): void {
    const fresh = path.join(this.dir, 'krl.new');
    writeFileSync(fresh, krl);
    renameSync(fresh, path.join(this.dir, 'krl'));
  }

  /** Makes a key for a holder, without a certificate. Returns its file and its public part. */
  makeKey(name: string): { readonly file: string; readonly publicKey: string } {
    const file = path.join(this.dir, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file]);
    return { file, publicKey: execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }) };
  }

  /** Logs in with a key and, beside it, its certificate. */
  login(key: string, command: string): Promise<Login> {
    const args = [
      ...['-F', 'none', '-i', key, '-o', 'IdentitiesOnly=yes', ...this.trust],
      ...['-p', String(this.port), `${this.user}@127.0.0.1`, command],
    ];
    return new Promise((resolve) => {
      execFile('ssh', args, { timeout: 20_000 }, (error, out, err) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ exitCode, out, err });
      });
    });
  }

  /** Waits for a line of the server's log. */
  logs(words: RegExp): Promise<string> {
    return eventually(`${words} in the log of sshd`, async () => words.exec(this.#said)?.[0]);
  }

  async restart(): Promise<void> {
    const args = ['-D', '-e', '-f', path.join(this.dir, 'sshd_config')];
    const server = spawn(SERVER, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    server.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-20_000);
    });
    this.#server = server;
    await eventuallyTrue('sshd listens', async () => {
      if (server.exitCode !== null) throw new Error(`sshd ended: ${this.#said}`);
      return this.#said.includes('Server listening');
    });
  }

  async stop(): Promise<void> {
    const running = this.#server;
    if (running !== undefined && running.exitCode === null) {
      const ended = new Promise((resolve) => running.once('exit', resolve));
      running.kill('SIGKILL');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }

  #configuration(): string {
    const { dir, port } = this;
    return [
      ...[`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${dir}/host`, 'PidFile none'],
      ...[`TrustedUserCAKeys ${dir}/ca.pub`, `RevokedKeys ${dir}/krl`],
      ...[`AuthorizedPrincipalsFile ${dir}/principals`, 'AuthorizedKeysFile none'],
      ...['PasswordAuthentication no', 'KbdInteractiveAuthentication no', 'UsePAM no'],
      ...['PermitRootLogin prohibit-password', 'StrictModes no', 'LogLevel VERBOSE', ''],
    ].join('\n');
  }
}
