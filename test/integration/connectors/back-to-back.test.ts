import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolClient } from 'pg';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { endSessions } from '../../../src/connectors/postgresql/sessions';
import { Database, type DatabaseOptions } from '../../../src/database/database';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let first: PostgresqlConnector;
let second: PostgresqlConnector;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  // Two workers, each with connections of its own.
  first = new PostgresqlConnector({ url: postgres.url });
  second = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await Promise.all([first.close(), second.close()]);
  postgres.stop();
});

/** A database beside which something happens after the first transaction. */
class Interrupted extends Database {
  #between: (() => Promise<unknown>) | undefined;

  constructor(options: DatabaseOptions, between: () => Promise<unknown>) {
    super(options);
    this.#between = between;
  }

  override async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const result = await super.transaction(work);
    const between = this.#between;
    this.#between = undefined;
    await between?.();
    return result;
  }
}

const proofOf = (id: string) => authorise({ id, account: 'payments_ci', role: 'production_write' });
const isMember = "SELECT pg_has_role('payments_ci', 'production_write', 'MEMBER') AS held";

async function login(): Promise<Client> {
  const client = new Client({ connectionString: postgres.url.replace('postgres@', 'payments_ci@') });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

const answers = (session: Client): Promise<boolean> =>
  session.query<{ held: boolean }>(isMember).then(
    ({ rows }) => rows[0]?.held === true,
    () => false,
  );

/** Ends one lease and gives the next at the same moment, by two workers, the end so much earlier. */
async function handOver(round: number, headStartMs: number) {
  const [ending, beginning] = [`ending-${round}-00`, `begins-${round}-00`];
  await first.provision(await proofOf(ending));
  const session = await login();
  const proof = await proofOf(beginning);
  const over = first.revoke(ending, 'expired');
  await sleep(headStartMs);
  const given = await second.provision(proof);
  const answeredThen = await answers(session);
  await over;
  // What was told to end before the next lease began has ended by now.
  await sleep(50);
  const answersNow = await answers(session);
  const [member] = await postgres.query(isMember);
  const [due] = await postgres.query('SELECT count(*)::int AS left FROM countersign.session_due');
  await session.end().catch(() => undefined);
  await second.revoke(beginning, 'expired');
  const [after] = await postgres.query(isMember);
  return {
    ...{ outcome: given.outcome, answeredThen, answersNow },
    ...{ isMember: member?.['held'], isMemberAfter: after?.['held'], due: due?.['left'] },
  };
}

describe('TGT-2 a lease that begins in the second in which the last one ends', () => {
  test('fifty times, by two workers: access is there, no session that has it is ended, and the end of the second ends it', async () => {
    const rounds = [];
    for (let round = 0; round < 50; round += 1) rounds.push(await handOver(round, round % 10));
    for (const { answeredThen, answersNow, ...round } of rounds) {
      expect(round).toEqual({ outcome: 'granted', isMember: true, isMemberAfter: false, due: 0 });
      // A session that had access once the next lease had begun keeps it.
      expect(answersNow).toBe(answeredThen);
    }
    expect(rounds.some(({ answersNow }) => answersNow)).toBe(true);
  }, 120_000);

  test('given between the look at the sessions and their end, it keeps them', async () => {
    await first.provision(await proofOf('looked-at-0001'));
    const session = await login();
    // What the end of a lease leaves to be done after its own transaction.
    await postgres.query(
      "UPDATE countersign.lease SET ended_at_ms = 1, end_reason = 'expired' WHERE lease_id = 'looked-at-0001'",
    );
    await postgres.query('REVOKE production_write FROM payments_ci');
    await postgres.query("INSERT INTO countersign.session_due VALUES ('payments_ci', 'production_write')");
    const proof = await proofOf('looked-at-0002');
    const database = new Interrupted({ url: postgres.url }, () => second.provision(proof));
    expect(await endSessions(database, { account: 'payments_ci', grant: 'production_write' })).toBe(true);
    await sleep(50);
    expect(await answers(session)).toBe(true);
    await second.revoke('looked-at-0002', 'expired');
    expect(await answers(session)).toBe(false);
    await Promise.all([database.close(), session.end().catch(() => undefined)]);
  }, 60_000);

  test('given before the last one ends, it leaves no moment without access, whatever is asked meanwhile', async () => {
    await first.provision(await proofOf('overlap-0001'));
    const session = await login();
    let isOver = false;
    const lapses: number[] = [];
    const watching = (async () => {
      for (let look = 0; !isOver; look += 1) if (!(await answers(session))) lapses.push(look);
    })();
    for (let round = 1; round <= 50; round += 1) {
      const next = `overlap-${String(round + 1).padStart(4, '0')}`;
      await second.provision(await proofOf(next));
      await first.revoke(`overlap-${String(round).padStart(4, '0')}`, 'expired');
    }
    isOver = true;
    await watching;
    expect(lapses).toEqual([]);
    await first.revoke('overlap-0051', 'expired');
    expect(await answers(session)).toBe(false);
    await session.end().catch(() => undefined);
  }, 120_000);
});
