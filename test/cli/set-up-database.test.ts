import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { EXAMPLE_BUNDLE_DIR } from '../../src/project';
import { startPostgres, type TestPostgres } from '../support/postgres';

const COMMAND = path.resolve(__dirname, '../../bin/countersign.js');
const run = promisify(execFile);
let postgres: TestPostgres;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'countersign-set-up-'));
  postgres = await startPostgres();
}, 60_000);
afterAll(() => {
  postgres.stop();
  rmSync(folder, { recursive: true, force: true });
});

const setUp = () =>
  run(process.execPath, [COMMAND, '--json', 'setup', 'database'], {
    env: {
      PATH: process.env['PATH'],
      COUNTERSIGN_BUNDLE: EXAMPLE_BUNDLE_DIR,
      COUNTERSIGN_STATE_DIR: folder,
      COUNTERSIGN_LEDGER_URL: postgres.url,
      COUNTERSIGN_CONNECTOR_WAREHOUSE_URL: postgres.url,
      COUNTERSIGN_CONNECTOR_CHANGES_URL: postgres.url,
    },
  }).then(
    ({ stdout }) => JSON.parse(stdout),
    ({ stdout }) => JSON.parse(stdout),
  );

const migrated = async () => {
  const rows = await postgres.query('SELECT store FROM countersign.migration ORDER BY store, number');
  return rows.map(({ store }) => store);
};

test('SHP-3 setup database makes the tables, changes nothing when they are there, and says which database it could not reach', async () => {
  const ready = ['ledger', 'lease book', 'register'];
  expect(await setUp()).toMatchObject({ ready });
  const made = await migrated();
  for (const store of ['ledger', 'lease book', 'register', 'sources', 'notices', 'used once'])
    expect(made).toContain(store);
  expect(await setUp()).toMatchObject({ ready });
  expect(await migrated()).toEqual(made);
  postgres.halt();
  const away = await setUp().finally(() => postgres.restart());
  expect(away).toMatchObject({
    error: {
      code: 'NOT_READY',
      message: expect.stringMatching(/tables of the ledger are not up to date: .*reached/),
    },
  });
});
