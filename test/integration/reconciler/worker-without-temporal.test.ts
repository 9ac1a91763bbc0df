import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { freePort } from '../../../src/stack/free-port';
import { authorise } from '../../support/authorisation';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

const COMMAND = path.resolve(__dirname, '../../../bin/countersign.js');
const BUNDLE = path.resolve(__dirname, '../../../policies');
let postgres: TestPostgres;
let folder: string;
let worker: ChildProcess | undefined;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-worker-'));
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
}, 60_000);
afterAll(() => {
  worker?.kill('SIGKILL');
  postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('EMG-2 the reconciler works while Temporal is down', () => {
  test('also in a worker that was started while it was; SIGTERM stops that worker', async () => {
    const connector = new PostgresqlConnector({ name: 'warehouse', url: postgres.url });
    await connector.provision(
      await authorise({
        id: 'overdue-0001',
        account: 'payments_ci',
        role: 'production_write',
        durationMs: 1,
      }),
    );
    worker = spawn(process.execPath, [COMMAND, 'worker'], {
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
        COUNTERSIGN_BUNDLE: BUNDLE,
        COUNTERSIGN_STATE_DIR: folder,
        COUNTERSIGN_RECONCILE_INTERVAL_SECONDS: '1',
        COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: postgres.url,
        COUNTERSIGN_CONNECTOR_CHANGES_URL: postgres.url,
      },
    });
    const ended = new Promise<number | null>((resolve) => worker?.once('exit', resolve));
    await eventuallyTrue('access is gone', async () => {
      const [row] = await postgres.query(
        "SELECT pg_has_role('payments_ci', 'production_write', 'MEMBER') AS held",
      );
      return row?.['held'] === false;
    });
    expect(await connector.findings?.read('overdue-0001')).toMatchObject([{ kind: 'overdue' }]);
    worker.kill('SIGTERM');
    expect(await ended).toBe(0);
    await connector.close();
  }, 60_000);
});
