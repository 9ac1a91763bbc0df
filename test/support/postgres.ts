import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../src/stack/free-port';
import { installDebian } from './debian';

/** A real PostgreSQL server for one test file, on loopback, with its data in a folder of its own. */
export interface TestPostgres {
  readonly url: string;
  query(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Makes the server unreachable without losing anything, and brings it back. */
  halt(): void;
  restart(): void;
  stop(): void;
  /** Copies the data of the stopped server, starts it again, and returns what puts the copy back. */
  backUp(): () => void;
}

const SERVER_USER = 'postgres';

export interface TestPostgresOptions {
  /** Folder of initdb and pg_ctl. The installed version if absent. */
  readonly bin?: string;
  /** Settings of the server, each `name=value`. */
  readonly settings?: readonly string[];
}

/** Starts a server. PostgreSQL refuses to run as root, so root starts it as the user postgres. Call `stop` in `afterAll`. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  // Sometimes another test takes a free port first.
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnFreePort(options);
    } catch (error) {
      if (tries === 3) throw error;
    }
  }
}

async function startOnFreePort({
  bin = serverBinaries(),
  settings = [],
}: TestPostgresOptions): Promise<TestPostgres> {
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-postgres-'));
  const port = await freePort();
  const data = path.join(folder, 'data');
  if (isRoot()) chownSync(folder, Number(run('id', ['-u', SERVER_USER])), -1);
  asServerUser(path.join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-N', '-E', 'UTF8']);
  const options = `-p ${port} -h 127.0.0.1 -k ${folder} -c fsync=off -c max_connections=50 ${settings.map((one) => `-c ${one}`).join(' ')}`;
  const control = (action: string, ...more: string[]) =>
    asServerUser(path.join(bin, 'pg_ctl'), ['-D', data, '-s', '-w', ...more, action]);
  const start = () => control('start', '-o', options, '-l', path.join(folder, 'log'));
  start();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    halt: () => control('stop', '-m', 'immediate'),
    restart: start,
    backUp: () => {
      const copy = path.join(folder, `copy-${Date.now()}`);
      const whileStopped = (work: () => void) => {
        control('stop', '-m', 'fast');
        work();
        start();
      };
      whileStopped(() => run('cp', ['-a', data, copy]));
      return () =>
        whileStopped(() => {
          rmSync(data, { recursive: true });
          run('cp', ['-a', copy, data]);
        });
    },
    stop: () => {
      control('stop', '-m', 'immediate');
      rmSync(folder, { recursive: true, force: true });
    },
    query: async (text, values = []) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
  };
}

/**
 * Interrupts `work` in the middle: blocks its writes to `table`, and kills its session while it waits. Throws
 * if the work does not fail.
 */
export async function breakOff(url: string, table: string, work: () => Promise<unknown>): Promise<void> {
  const blocker = new Client({ connectionString: url });
  await blocker.connect();
  try {
    await blocker.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    const broken = work().then(
      () => false,
      () => true,
    );
    for (let killed = 0; killed === 0; ) {
      const { rows } = await blocker.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign' AND wait_event_type = 'Lock'",
      );
      killed = rows.length;
    }
    if (!(await broken)) throw new Error('the work was not interrupted');
    await blocker.query('ROLLBACK');
  } finally {
    await blocker.end();
  }
}

/** Roles and accounts of the example bundle. */
export const WAREHOUSE = `
  CREATE ROLE reporting_read; CREATE ROLE production_write; CREATE ROLE production_admin;
  CREATE ROLE atlas_agent LOGIN; CREATE ROLE payments_ci LOGIN; CREATE ROLE deploy_bot LOGIN;
  CREATE ROLE jonas LOGIN; CREATE ROLE ines LOGIN; CREATE ROLE mira LOGIN;
`;

/** Returns the folder of initdb and pg_ctl. Installs the Debian package if they are missing. */
export function serverBinaries(): string {
  const found = findBinaries();
  if (found !== undefined) return found;
  installDebian('postgresql');
  const installed = findBinaries();
  if (installed === undefined) throw new Error('PostgreSQL was installed, but its initdb cannot be found');
  return installed;
}

function findBinaries(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => path.join(debian, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(path.delimiter),
  ];
  return folders.find(
    (folder) => existsSync(path.join(folder, 'initdb')) && existsSync(path.join(folder, 'pg_ctl')),
  );
}

const isRoot = (): boolean => process.getuid?.() === 0;

function asServerUser(command: string, args: readonly string[]): void {
  if (isRoot())
    run('setpriv', [`--reuid=${SERVER_USER}`, `--regid=${SERVER_USER}`, '--clear-groups', command, ...args]);
  else run(command, args);
}

function run(command: string, args: readonly string[]): string {
  return execFileSync(command, [...args], {
    cwd: '/',
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
