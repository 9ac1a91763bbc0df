import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

const MANY = 200;

let postgres: TestPostgres;
let connector: PostgresqlConnector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  connector = new PostgresqlConnector({ url: postgres.url });
  await connector.list();
}, 60_000);
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

const proofOf = (id: string, role = 'production_write') => authorise({ id, account: 'payments_ci', role });

/** Gives as a workflow does: what cannot be done now is retried. */
async function give(id: string): Promise<string> {
  const proof = await proofOf(id);
  for (let attempts = 1; ; attempts += 1) {
    try {
      return (await connector.provision(proof)).outcome;
    } catch (error) {
      if (attempts === 30) throw error;
      await sleep(200);
    }
  }
}

describe('FRI-1 two hundred requests at once for the same access', () => {
  test('while one of them is held up, they hold one connection, and other access is given and listed meanwhile', async () => {
    // Somebody holds the row lock of the access, as an act of another worker would.
    const other = new Client({ connectionString: postgres.url });
    await other.connect();
    await other.query(`BEGIN; INSERT INTO countersign.lock (subject)
      VALUES ('access ["payments_ci","production_write"]') ON CONFLICT (subject) DO UPDATE SET subject = excluded.subject`);
    const proofs = await Promise.all(
      Array.from({ length: MANY }, (_, index) => proofOf(`held-up-${String(index).padStart(4, '0')}`)),
    );
    const acts = Promise.allSettled(proofs.map((proof) => connector.provision(proof)));
    await sleep(300);
    const [waiting] = await postgres.query(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'countersign' AND wait_event_type = 'Lock'",
    );
    expect(waiting).toEqual({ count: 1 });
    const began = Date.now();
    const beside = await connector.provision(await proofOf('beside-0001', 'reporting_read'));
    expect(beside.outcome).toBe('granted');
    await connector.list('alive');
    expect(Date.now() - began).toBeLessThan(2_000);
    await other.query('ROLLBACK');
    await other.end();
    for (const act of await acts)
      if (act.status === 'rejected') expect(String(act.reason)).toMatch(/too many acts on the same access/);
  }, 60_000);

  test('all are given, each once, and an end does not wait for the grants before it', async () => {
    await connector.provision(await proofOf('early-end-0001'));
    const began = Date.now();
    const given = Promise.all(
      Array.from({ length: MANY }, (_, index) => give(`many-${String(index).padStart(4, '0')}`)),
    );
    const ended = connector.revoke('early-end-0001', 'revoked').then(() => Date.now() - began);
    expect(await given).toEqual(Array.from({ length: MANY }, () => 'granted'));
    const allAfterMs = Date.now() - began;
    expect(await ended).toBeLessThan(allAfterMs);
    const leases = (await connector.list('alive')).leases.filter(({ id }) => id.startsWith('many-'));
    expect(new Set(leases.map(({ id }) => id)).size).toBe(MANY);
  }, 60_000);
});
