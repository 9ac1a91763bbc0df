import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../../src/stack/free-port';
import { installDebian } from '../debian';
import { eventuallyTrue } from '../harness-wait';
import { TcpChangeProxy } from './tcp-change-proxy';

const SERVER = '/usr/sbin/mariadbd';
const SERVER_USER = 'mysql';

export function provideMariadb(): void {
  if (!existsSync(SERVER)) installDebian('mariadb-server');
}

/** Tells what gives or takes a role, as the connector sends it. */
export const isMysqlChange = (sent: Buffer): boolean => /(?:GRANT|REVOKE) `/.test(sent.toString('latin1'));

/** A real MariaDB server on loopback, with its data in a folder of its own, and a proxy that can lose GRANT and REVOKE. */
export class TestMariadb {
  #process: ChildProcess | undefined;

  private constructor(
    private readonly dir: string,
    readonly port: number,
    readonly proxy: TcpChangeProxy,
  ) {}

  static async start(): Promise<TestMariadb> {
    provideMariadb();
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-mariadb-'));
    execFileSync('chown', [SERVER_USER, dir]);
    const install = ['--no-defaults', `--user=${SERVER_USER}`, `--datadir=${dir}/data`, '--skip-test-db'];
    execFileSync('mariadb-install-db', [...install, '--auth-root-authentication-method=normal'], {
      stdio: 'ignore',
    });
    const port = await freePort();
    const mariadb = new TestMariadb(dir, port, await TcpChangeProxy.start(port, isMysqlChange));
    await mariadb.restart();
    return mariadb;
  }

  /** The address of the proxy, for a login. */
  url(user: string, password = ''): string {
    return `mysql://${user}:${password}@127.0.0.1:${this.proxy.port}`;
  }

  /** Runs statements past the proxy, by the way as the administrator. */
  async query(sql: string, user = 'root', password = ''): Promise<readonly Record<string, unknown>[]> {
    const connection = await createConnection({
      host: '127.0.0.1',
      port: this.port,
      user,
      password,
      multipleStatements: true,
    });
    try {
      const [rows] = await connection.query(sql);
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
    } finally {
      await connection.end();
    }
  }

  async restart(): Promise<void> {
    const { dir, port } = this;
    const args = [
      ...['--no-defaults', `--user=${SERVER_USER}`, `--datadir=${dir}/data`, `--port=${port}`],
      ...[
        '--bind-address=127.0.0.1',
        `--socket=${dir}/socket`,
        `--pid-file=${dir}/pid`,
        '--skip-name-resolve',
      ],
    ];
    this.#process = spawn(SERVER, args, { stdio: 'ignore' });
    await eventuallyTrue(
      'mariadbd answers',
      () =>
        this.query('SELECT 1').then(
          () => true,
          () => false,
        ),
      60_000,
    );
  }

  async halt(): Promise<void> {
    const running = this.#process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await exit;
  }

  async stop(): Promise<void> {
    await this.halt();
    await this.proxy.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
