import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { freePort } from '../../../src/stack/free-port';
import { installDebian } from '../debian';
import { eventually, eventuallyTrue } from '../harness-wait';
import type { Fate } from './change-proxy';

const SERVER = '/usr/sbin/mariadbd';
const SERVER_USER = 'mysql';

export function provideMariadb(): void {
  if (!existsSync(SERVER)) installDebian('mariadb-server');
}

/** A real MariaDB server on loopback, with its data in a folder of its own, and a proxy that can lose GRANT and REVOKE. */
export class TestMariadb {
  #process: ChildProcess | undefined;
  #server: Server | undefined;
  #held: (() => void) | undefined;
  readonly #sockets = new Set<Socket>();
  nextChange: Fate = 'passes';

  private constructor(
    private readonly dir: string,
    readonly port: number,
  ) {}

  static async start(): Promise<TestMariadb> {
    provideMariadb();
    const dir = mkdtempSync(path.join(tmpdir(), 'countersign-mariadb-'));
    execFileSync('chown', [SERVER_USER, dir]);
    const install = ['--no-defaults', `--user=${SERVER_USER}`, `--datadir=${dir}/data`, '--skip-test-db'];
    execFileSync('mariadb-install-db', [...install, '--auth-root-authentication-method=normal'], {
      stdio: 'ignore',
    });
    const mariadb = new TestMariadb(dir, await freePort());
    await mariadb.restart();
    await mariadb.#listen();
    return mariadb;
  }

  /** The address of the proxy, for a login. */
  url(user: string, password = ''): string {
    const { port } = this.#server?.address() as AddressInfo;
    return `mysql://${user}:${password}@127.0.0.1:${port}`;
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

  held(): Promise<() => void> {
    return eventually(
      'a change is held back',
      async () => {
        const held = this.#held;
        this.#held = undefined;
        return held;
      },
      60_000,
    );
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
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server?.close(closed));
    rmSync(this.dir, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    this.#server = createServer((socket) => {
      const upstream = connect(this.port, '127.0.0.1');
      let fate: Fate = 'passes';
      for (const one of [socket, upstream]) {
        this.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          this.#sockets.delete(one);
          socket.destroy();
          upstream.destroy();
        });
      }
      socket.on('data', (data) => {
        const isChange = /(?:GRANT|REVOKE) `/.test(data.toString('latin1'));
        fate = isChange ? this.nextChange : 'passes';
        if (isChange) this.nextChange = 'passes';
        if (fate === 'is lost') return void socket.destroy();
        if (fate === 'is held') this.#held = () => upstream.write(data);
        else upstream.write(data);
      });
      upstream.on('data', (answer) => {
        if (fate === 'is done, its answer is held') this.#held = () => socket.write(answer);
        else if (fate === 'is done, unheard') socket.destroy();
        else socket.write(answer);
      });
    });
    await new Promise<void>((listening) => this.#server?.listen(0, '127.0.0.1', listening));
  }
}
