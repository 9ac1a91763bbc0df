import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import { provisionActivity } from '../../../src/activities/provision';
import type { Connector } from '../../../src/connectors/contract';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { Database } from '../../../src/database/database';
import { isPermanent } from '../../../src/database/unavailable';
import { FORGETFUL } from '../../../src/ledger';
import { startReconciler } from '../../../src/reconciler';
import { permittedCase } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
const made: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  await postgres.query(`CREATE ROLE rightless LOGIN; CREATE ROLE sleeping NOLOGIN; CREATE ROLE granterless LOGIN;
    CREATE SCHEMA countersign AUTHORIZATION granterless`);
  await postgres.query('CREATE DATABASE other');
}, 60_000);
afterAll(async () => {
  await Promise.all(made.map((one) => one.close()));
  postgres.stop();
});

function addressFor(user: string, database = 'postgres'): string {
  const url = new URL(postgres.url);
  url.username = user;
  url.pathname = `/${database}`;
  return url.href;
}

function connectorAt(url: string): Connector {
  const connector = new PostgresqlConnector({ url });
  made.push(connector);
  return connector;
}

const lines: LogEntry[] = [];
const logger = new DefaultLogger('ERROR', (entry) => void lines.push(entry));

async function provision(connector: Connector, ledger = FORGETFUL) {
  lines.length = 0;
  const { evidence, directory, policy } = permittedCase({
    id: 'set-up-00001',
    account: 'payments_ci',
    role: 'production_write',
  });
  const activity = provisionActivity({
    authority: () =>
      Promise.resolve({
        directory: { ...directory, authenticateDenial: unused },
        policy: { ...policy, assessOnRecord: unused },
      }),
    connector: () => connector,
    ledger,
    nowMs: Date.now,
  });
  return new MockActivityEnvironment({ attempt: 1 }, { logger }).run(() => activity(evidence));
}
const unused = () => Promise.reject(new Error('unused'));

describe('TGT-4 a target that is set up wrongly ends the request at once, with its own words', () => {
  test.each([
    ['no right to make its tables', 'rightless', 'other', /42501 permission denied for database other/],
    [
      'no right to grant the role',
      'granterless',
      'postgres',
      /42501 must have admin option on role "production_write"/,
    ],
    [
      'a login that may not log in',
      'sleeping',
      'postgres',
      /28000 role "sleeping" is not permitted to log in/,
    ],
    ['a login that does not exist', 'nobody_there', 'postgres', /28000 role "nobody_there" does not exist/],
    ['a database that does not exist', 'rightless', 'missing', /3D000 database "missing" does not exist/],
  ])('%s', async (_, user, database, words) => {
    const result = await provision(connectorAt(addressFor(user, database)));
    expect(result).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'TARGET_REFUSED', detail: expect.stringMatching(words) },
    });
    expect(lines[0]?.meta).toMatchObject({
      connector: 'warehouse',
      leaseId: 'set-up-00001',
      reason: expect.stringMatching(words),
    });
    expect(JSON.stringify([result, lines.map(({ meta }) => meta)])).not.toMatch(/127\.0\.0\.1|postgres:\/\//);
  });

  test('a ledger without rights is named as the ledger', async () => {
    const database = new Database({ url: addressFor('rightless') });
    made.push(database);
    const ledger = {
      ...FORGETFUL,
      granted: async () => void (await database.query('SELECT * FROM pg_authid')),
    };
    expect(await provision(connectorAt(postgres.url), ledger)).toMatchObject({
      refusal: {
        code: 'TARGET_REFUSED',
        detail: expect.stringMatching(/^the ledger .*42501 permission denied/),
      },
    });
  });

  test('a server that does not answer is an outage, and the act is retried', async () => {
    const nowhere = connectorAt('postgres://postgres@127.0.0.1:1/postgres');
    await expect(provision(nowhere)).rejects.toThrow('the database cannot be reached (ECONNREFUSED)');
    expect(lines).toEqual([]);
  });

  test('an address that the server does not let in is told without the address', async () => {
    const refusing = new Database({ url: addressFor('rightless') });
    made.push(refusing);
    await expect(
      refusing.query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '28000',
        MESSAGE = 'no pg_hba.conf entry for host "10.1.2.3", user "x", see postgres://x:secret@10.1.2.3/db'; END $$`),
    ).rejects.toThrow('28000 no pg_hba.conf entry for host "…", user "x", see …');
  });

  test('the owner of the schema needs no CREATE on the database', async () => {
    const own = connectorAt(addressFor('granterless'));
    expect((await own.list()).leases).toEqual([]);
  });

  test('the reconciler tells people of a refusal at its first look, and of an outage only after minutes', async () => {
    const alerts: object[] = [];
    const log = {
      info: () => undefined,
      warn: () => undefined,
      error: (about: object) => void alerts.push(about),
    };
    const connectors = new Map([
      ['refuses', connectorAt(addressFor('nobody_there'))],
      ['down', connectorAt('postgres://postgres@127.0.0.1:1/postgres')],
    ]);
    const reconciler = startReconciler({ connectors, intervalMs: 3_600_000, logger: log });
    await reconciler.pass();
    await reconciler.stop();
    expect(alerts).toEqual([
      expect.objectContaining({ connector: 'refuses', reason: expect.stringMatching(/28000/) }),
    ]);
  });

  test('errors of a moment are none of the set-up', async () => {
    const database = new Database({ url: postgres.url });
    made.push(database);
    const code = (state: string) =>
      database
        .query(`DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '${state}', MESSAGE = 'x'; END $$`)
        .catch(isPermanent);
    expect(await Promise.all(['40001', '53300', '57P01', '57P03', '25006', '55P03'].map(code))).not.toContain(
      true,
    );
    expect(await Promise.all(['42704', '0LP01', '3F000', '28P01'].map(code))).not.toContain(false);
  });
});
