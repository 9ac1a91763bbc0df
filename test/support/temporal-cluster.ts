import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { toStderr } from '../../src/stack/announce';
import { cacheDir } from '../../src/stack/cache';
import { startChild } from '../../src/stack/child-process';
import { freePortFrom } from '../../src/stack/free-port';
import { lastLines } from '../../src/stack/log-file';
import { registerSearchAttributes } from '../../src/stack/search-attributes';
import { baseEnvironment } from '../../src/stack/temporal-server';
import { eventuallyTrue } from './harness-wait';
import { startPostgres } from './postgres';
import type { TestServer } from './temporal';

const MODULE = 'go.temporal.io/server';
const VERSION = 'v1.32.1';
const PORTS = [
  'FRONTEND_GRPC_PORT',
  'FRONTEND_HTTP_PORT',
  'FRONTEND_MEMBERSHIP_PORT',
  'MATCHING_GRPC_PORT',
  'MATCHING_MEMBERSHIP_PORT',
  'HISTORY_GRPC_PORT',
  'HISTORY_MEMBERSHIP_PORT',
  'WORKER_GRPC_PORT',
  'WORKER_MEMBERSHIP_PORT',
];

/** The programs of Temporal's production server. */
export interface ClusterPrograms {
  readonly server: string;
  readonly sqlTool: string;
  /** The folder of PostgreSQL's schemas, `temporal` and `visibility`. */
  readonly schemas: string;
}

/** Returns where the programs are. They are built once into the cache, which takes minutes. */
export function clusterPrograms(): ClusterPrograms {
  const folder = path.join(cacheDir(), `temporal-server-${VERSION}`);
  const programs = {
    server: path.join(folder, 'temporal-server'),
    sqlTool: path.join(folder, 'temporal-sql-tool'),
    schemas: path.join(folder, 'schema'),
  };
  if (existsSync(folder)) return programs;
  toStderr(`building the Temporal server ${VERSION} with Go; takes minutes, once`);
  const draft = `${folder}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  const go = (...args: readonly string[]) =>
    execFileSync('go', args, {
      env: { ...process.env, GOBIN: draft, CGO_ENABLED: '0' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  for (const program of ['cmd/server', 'cmd/tools/sql']) go('install', `${MODULE}/${program}@${VERSION}`);
  renameSync(path.join(draft, 'server'), path.join(draft, 'temporal-server'));
  renameSync(path.join(draft, 'sql'), path.join(draft, 'temporal-sql-tool'));
  const { Dir: source }: { Dir: string } = JSON.parse(go('mod', 'download', '-json', `${MODULE}@${VERSION}`));
  cpSync(path.join(source, 'schema/postgresql/v12'), path.join(draft, 'schema'), { recursive: true });
  renameSync(draft, folder);
  return programs;
}

/** Returns free ports. The server's schema has two signed bytes for a port, so it takes none above 32,767. */
async function lowPorts(): Promise<Readonly<Record<string, string>>> {
  const first = 10_000 + Math.floor(Math.random() * 800) * 25;
  const ports: Record<string, string> = {};
  let last = first - 1;
  for (const name of PORTS) {
    last = await freePortFrom(last + 1);
    ports[name] = String(last);
  }
  return ports;
}

/** Temporal's production server on a PostgreSQL of its own. */
export interface TestCluster {
  readonly address: string;
  /** The server as a harness takes it that shares it with others. */
  readonly shared: TestServer;
  /** Makes a namespace with our search attributes. */
  makeNamespace(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the server. `settings` is its dynamic configuration; the server's defaults count for what it does not name. */
export async function startCluster(settings: Readonly<Record<string, number>> = {}): Promise<TestCluster> {
  const programs = clusterPrograms();
  const folder = mkdtempSync(path.join(tmpdir(), 'countersign-cluster-'));
  const postgres = await startPostgres();
  const { port: sqlPort } = new URL(postgres.url);
  for (const schema of ['temporal', 'visibility']) {
    const database = schema === 'temporal' ? schema : 'temporal_visibility';
    const login = ['--endpoint', '127.0.0.1', '--port', sqlPort, '--user', 'postgres', '--password', 'any'];
    const tool = (...args: readonly string[]) =>
      execFileSync(programs.sqlTool, ['--plugin', 'postgres12', ...login, '--database', database, ...args], {
        stdio: 'ignore',
      });
    tool('create-database');
    tool('setup-schema', '--version', '0.0');
    tool('update-schema', '--schema-dir', path.join(programs.schemas, schema, 'versioned'));
  }
  const settingsFile = path.join(folder, 'settings.yaml');
  const yaml = Object.entries(settings).map(([name, value]) => `${name}:\n  - value: ${value}\n`);
  writeFileSync(settingsFile, yaml.join(''));
  const ports = await lowPorts();
  const logFile = path.join(folder, 'server.log');
  const server = await startChild({
    name: 'temporal-server',
    command: programs.server,
    args: ['--allow-no-auth', 'start'],
    env: {
      ...baseEnvironment(),
      ...ports,
      DB: 'postgres12',
      POSTGRES_SEEDS: '127.0.0.1',
      DB_PORT: sqlPort,
      POSTGRES_USER: 'postgres',
      POSTGRES_PWD: 'any',
      // Each of the four services has its own connections.
      SQL_MAX_CONNS: '6',
      SQL_VIS_MAX_CONNS: '3',
      DYNAMIC_CONFIG_FILE_PATH: settingsFile,
      LOG_LEVEL: 'error',
    },
    logFile,
  });
  const address = `127.0.0.1:${ports['FRONTEND_GRPC_PORT']}`;
  const stop = async () => {
    await server.kill();
    postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const connection = Connection.lazy({ address });
  const answers = () =>
    connection.workflowService.getClusterInfo({}).then(
      () => true,
      () => false,
    );
  try {
    await eventuallyTrue('the Temporal server answers', answers);
  } catch (error) {
    const lines = lastLines(logFile).join(' | ');
    await stop();
    throw new Error(lines, { cause: error });
  }
  const notYours = () => Promise.reject(new Error('others use this server too'));
  return {
    address,
    shared: {
      ...{ address, stateDir: folder },
      ...{ kill: notYours, halt: notYours, restart: notYours, backUp: notYours },
      // Whoever started it stops it.
      stop: async () => undefined,
    },
    makeNamespace: async (namespace) => {
      await connection.workflowService.registerNamespace({
        namespace,
        workflowExecutionRetentionPeriod: msToTs('1 day'),
      });
      await eventuallyTrue(`the server knows the namespace ${namespace}`, () =>
        registerSearchAttributes(connection, namespace).then(
          () => true,
          () => false,
        ),
      );
    },
    stop: async () => {
      await connection.close();
      await stop();
    },
  };
}
