import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { freePort } from '../../../src/stack/free-port';
import { authorise } from '../../support/authorisation';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';
import { startTestServer } from '../../support/temporal';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const BUNDLE = path.resolve(__dirname, '../../../policies');
let postgres: TestPostgres;
let folder: string;
let connector: PostgresqlConnector;
let worker: ChildProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-worker-'));
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  worker?.kill('SIGKILL');
  await connector.close();
  postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

let healthPort: number;

/** A worker in its own process, and what it has logged so far. */
async function startWorker(temporal: Readonly<Record<string, string>>) {
  healthPort = await freePort();
  const child = spawn(process.execPath, [COMMAND, 'worker'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      COUNTERSIGN_BUNDLE: BUNDLE,
      COUNTERSIGN_STATE_DIR: folder,
      COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '1',
      COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: postgres.url,
      COUNTERSIGN_CONNECTOR_CHANGES_URL: postgres.url,
      COUNTERSIGN_HEALTH_PORT: String(healthPort),
      ...temporal,
    },
  });
  worker = child;
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, ended, said: () => said.join('') };
}

const probe = async (path: string) => (await fetch(`http://127.0.0.1:${healthPort}${path}`)).status;

async function overdueLease(id: string): Promise<void> {
  const terms = { id, account: 'payments_ci', role: 'production_write', durationMs: 1 };
  await connector.provision(await authorise(terms));
}

const accessIsGone = () =>
  eventuallyTrue('access is gone', async () => {
    const [row] = await postgres.query(
      "SELECT pg_has_role('payments_ci', 'production_write', 'MEMBER') AS held",
    );
    return row?.['held'] === false;
  });

describe('EMG-2 the reconciler works without Temporal', () => {
  test('in a worker that started while Temporal was down; SIGTERM stops that worker', async () => {
    await overdueLease('overdue-0001');
    const { child, ended } = await startWorker({ TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}` });
    await accessIsGone();
    expect(await connector.findings.read('overdue-0001')).toMatchObject([{ kind: 'overdue' }]);
    // An outage of Temporal is no reason to end what ends grants.
    expect([await probe('/livez'), await probe('/readyz'), await probe('/metrics')]).toEqual([200, 503, 404]);
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  }, 60_000);

  test('in a worker whose namespace does not exist; SHP-1 one with a namespace says that it is ready', async () => {
    const server = await startTestServer();
    try {
      const good = await startWorker({ TEMPORAL_ADDRESS: server.address });
      await eventuallyTrue(
        'the worker is ready',
        async () => (await probe('/readyz').catch(() => 0)) === 200,
      );
      good.child.kill('SIGTERM');
      expect(await good.ended).toBe(0);
      const address = { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'not-there' };
      const { child, ended, said } = await startWorker(address);
      await eventuallyTrue('the worker could not start', async () => /restarting it/.test(said()));
      await overdueLease('overdue-0002');
      await accessIsGone();
      child.kill('SIGTERM');
      expect(await ended).toBe(0);
    } finally {
      await server.stop();
    }
  }, 90_000);
});
