import { eventuallyTrue } from '../../support/harness-wait';
import { Ground, OWNER } from './support';

jest.setTimeout(60_000);

let ground: Ground;
beforeAll(async () => {
  ground = await Ground.start();
});
afterAll(() => ground?.stop());
beforeEach(() => {
  ground.login = 'payments_migrator';
  ground.reported.splice(0);
  ground.logged.splice(0);
});

const exists = async (name: string): Promise<boolean> =>
  (await ground.postgres.query('SELECT to_regclass($1) IS NOT NULL AS found', [name]))[0]?.['found'] === true;
const UNUSE = 'UPDATE countersign.execution SET redeemed_at_ms = NULL';

describe('AGE-2 a migration has no rights but those of its role', () => {
  it('runs as the role, once, and is on record', async () => {
    const { id, token } = await ground.approved([
      "SET LOCAL lock_timeout = '5s'",
      'CREATE TABLE payments.refund (id bigint)',
      'INSERT INTO payments.refund VALUES (1), (2)',
    ]);
    expect(await ground.execute(token)).toEqual({ outcome: 'succeeded', request: id, rows: [0, 0, 2] });
    const [table] = await ground.postgres.query(
      "SELECT tableowner FROM pg_tables WHERE tablename = 'refund'",
    );
    expect(table).toEqual({ tableowner: OWNER });
    expect(ground.reported.map(({ outcome }) => outcome)).toEqual(['redeemed', 'succeeded']);
  });

  it.each([
    [
      'goes back to its login, and comes again as its role',
      `DO $$ BEGIN EXECUTE 'RESET ROLE'; ${UNUSE}; EXECUTE 'SET LOCAL ROLE "${OWNER}"'; END $$`,
      '42501',
    ],
    ['takes another role by a function', "SELECT set_config('role', 'ledger_writer', true)", '42501'],
    ['takes another role of its kind', `DO $$ BEGIN EXECUTE 'SET LOCAL ROLE other_owner'; END $$`, '42501'],
    ['becomes another user', `DO $$ BEGIN EXECUTE 'SET SESSION AUTHORIZATION postgres'; END $$`, '42501'],
    ['ends its transaction from within', 'DO $$ BEGIN COMMIT; END $$', '2D000'],
    ['drops what it does not own', 'DO $$ BEGIN DROP TABLE countersign.execution; END $$', '42501'],
  ])('cannot un-use its token where it %s', async (_, text, sqlState) => {
    const { id, token } = await ground.approved(['CREATE TABLE payments.sneaky (id int)', text]);
    expect(await ground.execute(token)).toEqual({ outcome: 'failed', request: id, sqlState });
    expect(await ground.isUsed(id)).toBe(true);
    expect(await exists('payments.sneaky')).toBe(false);
    expect(await ground.execute(token)).toMatchObject({ outcome: 'refused', refusal: { code: 'REPLAYED' } });
  });

  it('finds no more rights in a function that an earlier migration has left', async () => {
    const left = await ground.approved([
      `CREATE FUNCTION payments.fresh() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$ SELECT set_config('role', 'none', false) $$`,
      `CREATE FUNCTION payments.unuse() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN ${UNUSE}; END $$`,
    ]);
    expect(await ground.execute(left.token)).toMatchObject({ outcome: 'succeeded' });
    for (const text of ['SELECT payments.fresh()', 'SELECT payments.unuse()', 'RESET ROLE']) {
      const { id, token } = await ground.approved([text, 'CREATE TABLE payments.sneaky (id int)']);
      expect((await ground.execute(token)).outcome).not.toBe('succeeded');
      expect(await ground.isUsed(id)).toBe(text !== 'RESET ROLE');
      expect(await exists('payments.sneaky')).toBe(false);
    }
  });

  it.each([
    'postgres',
    'ledger_writer',
    'does_both',
    'migrates_both',
    'makes_roles',
    'sees_ledger',
  ])('is not run by the login %s, which is more than the role', async (login) => {
    ground.login = login;
    const { id, token } = await ground.approved(['CREATE TABLE payments.sneaky (id int)']);
    expect(await ground.execute(token)).toMatchObject({ refusal: { code: 'TARGET_REFUSED' } });
    expect(await ground.isUsed(id)).toBe(false);
    expect(await exists('payments.sneaky')).toBe(false);
  });
});

describe('AGE-2 a token is used up once, before the first statement, and by nothing that could not be run', () => {
  it('of many at once one runs', async () => {
    const { id, token } = await ground.approved([
      'CREATE TABLE IF NOT EXISTS payments.race (id int)',
      'INSERT INTO payments.race VALUES (1)',
    ]);
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => ground.execute(token)));
    const told = outcomes.map((one) => (one.outcome === 'refused' ? one.refusal.code : one.outcome));
    expect(told.sort()).toEqual([...Array.from({ length: 7 }, () => 'REPLAYED'), 'succeeded']);
    expect(await ground.postgres.query('SELECT id FROM payments.race')).toHaveLength(1);
    expect(await ground.isUsed(id)).toBe(true);
  });

  it('is said to be used to whoever is overtaken while the evidence is fetched, even if the request has ended since', async () => {
    const { id, token } = await ground.approved(['CREATE TABLE payments.overtaken (id int)']);
    ground.beforeEvidence = async () => {
      ground.beforeEvidence = async () => undefined;
      expect(await ground.execute(token)).toMatchObject({ outcome: 'succeeded' });
      throw new Error('the gateway knows no such execution any more');
    };
    expect(await ground.execute(token)).toMatchObject({
      outcome: 'refused',
      refusal: { code: 'REPLAYED' },
      request: id,
    });
  });

  it('is not used while the evidence cannot be fetched, and the answer says to try again', async () => {
    const { id, token } = await ground.approved(['SELECT 1']);
    ground.beforeEvidence = async () => {
      throw new Error('no answer');
    };
    expect(await ground.execute(token)).toMatchObject({ outcome: 'refused', refusal: { code: 'NOT_NOW' } });
    expect(await ground.isUsed(id)).toBe(false);
    ground.beforeEvidence = async () => undefined;
    expect(await ground.execute(token)).toMatchObject({ outcome: 'succeeded' });
  });

  it('is not used where the catalog names no role, there is no login, or the target is away', async () => {
    const ways = [
      { role: null, login: 'payments_migrator', code: 'TARGET_REFUSED' },
      { role: OWNER, login: undefined, code: 'TARGET_REFUSED' },
      { role: OWNER, login: 'postgres://payments_migrator@127.0.0.1:9/postgres', code: 'NOT_NOW' },
    ];
    for (const { role, login, code } of ways) {
      ground.login = login;
      const { id, token } = await ground.approved(['SELECT 1'], { role });
      expect(await ground.execute(token)).toMatchObject({ outcome: 'refused', refusal: { code } });
      expect(await ground.isUsed(id)).toBe(false);
    }
  });
});

describe('AGE-5 how it ended is said as far as it is known', () => {
  const SLOW = 'pg_sleep(30)';

  /** Breaks the connection of a migration off, as soon as it is asleep. */
  const breakOff = () =>
    eventuallyTrue('the migration is asleep, and killed', async () => {
      const killed = await ground.postgres.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'countersign migration' AND wait_event = 'PgSleep'",
      );
      return killed.length === 1;
    });

  it('a connection that breaks before the end leaves nothing; one that breaks at it is unknown', async () => {
    const before = await ground.approved(['CREATE TABLE payments.half (id int)', `SELECT ${SLOW}`]);
    const [failed] = await Promise.all([ground.execute(before.token), breakOff()]);
    expect(failed).toMatchObject({ outcome: 'failed' });
    expect(await exists('payments.half')).toBe(false);
    const atEnd = await ground.approved([
      'CREATE TABLE payments.late (id int)',
      `CREATE FUNCTION payments.wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM ${SLOW}; RETURN NULL; END $$`,
      'CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON payments.late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION payments.wait()',
      'INSERT INTO payments.late VALUES (1)',
    ]);
    const [unknown] = await Promise.all([ground.execute(atEnd.token), breakOff()]);
    expect(unknown).toEqual({ outcome: 'unknown', request: atEnd.id });
    expect(ground.reported.filter(({ outcome }) => outcome !== 'redeemed')).toEqual([
      { request: before.id, outcome: 'failed', reasonCode: undefined },
      { request: atEnd.id, outcome: 'unknown', reasonCode: undefined },
    ]);
  });
});

describe('AUD-2 an executor says which uses it has refused', () => {
  it('on the record of the request, where the token says which, and always in the log', async () => {
    const { id, token } = await ground.approved(['SELECT 1']);
    await ground.execute(token);
    ground.reported.splice(0);
    for (let times = 0; times < 10; times += 1) await ground.execute(token);
    const replayed = { request: id, outcome: 'redemption_refused', reasonCode: 'REPLAYED' };
    expect(ground.reported).toEqual(Array.from({ length: 8 }, () => replayed));
    expect(ground.logged).toHaveLength(10);

    ground.reported.splice(0);
    ground.logged.splice(0);
    const late = await ground.approved(['SELECT 1'], { lifeMs: -1_000 });
    await ground.execute(late.token);
    expect(ground.reported).toEqual([{ ...replayed, request: late.id, reasonCode: 'EXPIRED_STATEMENT' }]);
    await ground.execute(late.token.replace(/.{8}$/, 'AAAAAAAA'));
    expect(ground.reported).toHaveLength(1);
    expect(ground.logged).toMatchObject([{ request: late.id }, { reasonCode: 'BAD_SIGNATURE' }]);
  });
});
