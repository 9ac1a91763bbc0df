import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { LedgerComparison } from '../../../src/reconciler/compare';
import { Harness } from '../../support/harness';
import { ADMIN, READ, WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres } from '../../support/postgres';

/* Every store is backed up and lost by itself, while the others go on. docs/operate/backup.md says what to expect. */

const HOUR = 3_600_000;
/** After this long a difference between the stores is no act that is under way. */
const SETTLED_MS = 360_000;

let harness: Harness;
let ledger: TestPostgres;
let target: PostgresqlConnector;
beforeEach(async () => {
  ledger = await startPostgres();
  harness = await Harness.start({ remembers: 'grants', ledgerUrl: ledger.url });
  target = new PostgresqlConnector({ url: harness.postgres.url });
}, 180_000);
afterEach(async () => {
  await target?.close();
  await harness?.stop();
  ledger?.stop();
});

/** Backs up, lets one request be approved, one grant be given back and one be given, and then puts the backup in their place. */
async function lose(backUp: () => Promise<() => Promise<void>>) {
  const { cast } = harness;
  const approved = await cast.ask({ ...WRITE, durationMs: HOUR });
  const revoked = await cast.ask({ ...ADMIN, requester: 'bot/deployer', durationMs: HOUR });
  await cast.say('person/mira', 'approve', revoked);
  await cast.say('person/david', 'approve', revoked);
  await cast.until(revoked, ({ status }) => status === 'active');
  await harness.stopWorker();
  const restore = await backUp();
  await harness.startWorker();
  expect(await cast.say('person/mira', 'approve', approved)).toBe('accepted');
  await cast.until(approved, ({ status }) => status === 'active');
  expect(await cast.say('person/mira', 'revoke', revoked)).toBe('accepted');
  await cast.over(revoked);
  const given = await cast.ask({ ...READ, durationMs: HOUR });
  await cast.until(given, ({ status }) => status === 'active');
  await harness.stopWorker();
  await restore();
  return { approved, revoked, given };
}

/** What the reconciler of a worker does once a minute. Returns what it tells, by request. */
async function compared(): Promise<ReadonlyMap<string, string>> {
  const told = new Map<string, string>();
  const error = (about: { leaseId?: string }, message: string) => void told.set(about.leaseId ?? '', message);
  const logger = { info: () => undefined, warn: () => undefined, error };
  const nowMs = () => Date.now() + SETTLED_MS;
  // A kept connection learns of the restart at its next use.
  const answers = () =>
    harness.ledger.openGrants(0).then(
      () => true,
      () => false,
    );
  await eventuallyTrue('the ledger answers', answers);
  await new LedgerComparison({ ledger: harness.ledger, logger, nowMs }).look('warehouse', target);
  return told;
}

const held = async () => ({
  approved: await harness.holds('payments_ci', 'production_write'),
  revoked: await harness.holds('deploy_bot', 'production_admin'),
  given: await harness.holds('atlas_agent', 'reporting_read'),
});

describe('SHP-3 a store that was lost and restored from a backup', () => {
  test("Temporal's database: what was ended stays ended, what is approved again is given once, the end stays where it was", async () => {
    const { approved, revoked, given } = await lose(() => harness.server.backUp());
    await harness.startWorker();
    expect(await held()).toEqual({ approved: true, revoked: false, given: true });
    const [before] = await harness.leases(approved.id);
    expect((await harness.cast.view(approved)).status).toBe('awaiting_approval');
    expect(await harness.cast.say('person/mira', 'approve', approved)).toBe('accepted');
    await harness.cast.until(approved, ({ status }) => status === 'active');
    expect(await harness.leases(approved.id)).toEqual([before]);
    // The workflow learns from the target that its access is over, when it is asked to end it.
    expect(await harness.cast.say('person/mira', 'revoke', revoked)).toBe('accepted');
    await harness.cast.over(revoked);
    await expect(harness.client.get(given.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // Nobody needs the workflow for its end.
    await target.revoke(given.id, 'expired', 'overdue');
    expect(await held()).toEqual({ approved: true, revoked: false, given: false });
  }, 240_000);

  test('a target: what had ended is ended again, what is missing is told, and nothing is given by itself', async () => {
    const { approved, revoked, given } = await lose(async () => {
      const restore = harness.postgres.backUp();
      return async () => restore();
    });
    expect(await held()).toEqual({ approved: false, revoked: true, given: false });
    const told = await compared();
    expect(told.get(revoked.id)).toMatch(/ended again/);
    expect(told.get(approved.id)).toMatch(/the target does not know/);
    expect(told.get(given.id)).toMatch(/the target does not know/);
    expect(await held()).toEqual({ approved: false, revoked: false, given: false });
    await harness.startWorker();
  }, 240_000);

  test('the ledger: access goes on to its end, and what the ledger does not know of is told', async () => {
    const { approved, revoked, given } = await lose(async () => {
      const restore = ledger.backUp();
      return async () => restore();
    });
    const told = await compared();
    expect(told.get(approved.id)).toMatch(/the ledger has no open grant/);
    expect(told.get(given.id)).toMatch(/the ledger has no open grant/);
    expect(told.has(revoked.id)).toBe(false);
    // The end that the ledger had lost is closed there from the target's record.
    expect((await harness.ledger.openGrants(Date.now())).map(({ request }) => request)).not.toContain(
      revoked.id,
    );
    expect(await held()).toEqual({ approved: true, revoked: false, given: true });
    await harness.startWorker();
  }, 240_000);

  test('a target and the ledger at once, of one moment: what was given back since is held again to its end, and nothing tells', async () => {
    const { approved, revoked, given } = await lose(async () => {
      const restores = [ledger.backUp(), harness.postgres.backUp()];
      return async () => {
        for (const restore of restores) restore();
      };
    });
    expect(await held()).toEqual({ approved: false, revoked: true, given: false });
    // Both say the same, so there is nothing to compare: docs/operate/backup.md has people look for it.
    expect([...(await compared()).keys()]).toEqual([]);
    await harness.startWorker();
    expect((await harness.cast.view(revoked)).status).toBe('closed');
    // Nothing is given by itself, although Temporal has both as active.
    expect(await held()).toEqual({ approved: false, revoked: true, given: false });
    for (const { id } of [approved, given]) expect(await harness.leases(id)).toEqual([]);
    // It is over when it was to be over, for the lease has its end.
    await target.revoke(revoked.id, 'expired', 'overdue');
    expect(await held()).toEqual({ approved: false, revoked: false, given: false });
  }, 240_000);

  type Store = 'Temporal' | 'ledger' | 'target';
  type Held = Awaited<ReturnType<typeof held>>;
  interface Pair {
    readonly stores: readonly Store[];
    /** Who has access right after it, and once a worker has looked. */
    readonly at: Held;
    readonly looked: Held;
    readonly told: Readonly<Record<string, RegExp>>;
  }
  const AS_GIVEN: Held = { approved: true, revoked: false, given: true };
  const AS_COPIED: Held = { approved: false, revoked: true, given: false };
  const NOBODY: Held = { approved: false, revoked: false, given: false };
  const [NO_OPEN_GRANT, UNKNOWN, ENDED_AGAIN] = [
    /the ledger has no open grant/,
    /the target does not know/,
    /ended again/,
  ];
  const PAIRS: readonly Pair[] = [
    {
      stores: ['Temporal', 'ledger'],
      ...{ at: AS_GIVEN, looked: AS_GIVEN, told: { approved: NO_OPEN_GRANT, given: NO_OPEN_GRANT } },
    },
    {
      stores: ['Temporal', 'target'],
      ...{
        at: AS_COPIED,
        looked: NOBODY,
        told: { approved: UNKNOWN, given: UNKNOWN, revoked: ENDED_AGAIN },
      },
    },
    // All of one moment: what was given back since is held again, and its workflow ends it.
    { stores: ['Temporal', 'ledger', 'target'], ...{ at: AS_COPIED, looked: AS_COPIED, told: {} } },
  ];

  test.each(
    PAIRS,
  )('$stores at once: nothing is given twice or by itself, and each access has its end', async ({
    stores,
    at,
    looked,
    told,
  }) => {
    const { approved, revoked, given } = await lose(async () => {
      const restores: (() => void | Promise<void>)[] = [];
      if (stores.includes('Temporal')) restores.push(await harness.server.backUp());
      if (stores.includes('ledger')) restores.push(ledger.backUp());
      if (stores.includes('target')) restores.push(harness.postgres.backUp());
      return async () => {
        for (const restore of restores) await restore();
      };
    });
    expect(await held()).toEqual(at);
    const ids = { approved: approved.id, revoked: revoked.id, given: given.id };
    const said = await compared();
    expect(
      Object.fromEntries(
        Object.entries(ids).flatMap(([name, id]) => (said.has(id) ? [[name, said.get(id)]] : [])),
      ),
    ).toEqual(
      Object.fromEntries(Object.entries(told).map(([name, text]) => [name, expect.stringMatching(text)])),
    );
    expect(await held()).toEqual(looked);
    await harness.startWorker();
    // Temporal has it as waiting again, and one decision gives it, once.
    expect((await harness.cast.view(approved)).status).toBe('awaiting_approval');
    expect(await held()).toEqual(looked);
    expect(await harness.cast.say('person/mira', 'approve', approved)).toBe('accepted');
    await harness.cast.until(approved, ({ status }) => status === 'active');
    expect(await harness.leases(approved.id)).toHaveLength(1);
    // What Temporal has as active can be ended, whether the target still has it or not.
    expect(await harness.cast.say('person/mira', 'revoke', revoked)).toBe('accepted');
    await harness.cast.over(revoked);
    // Nobody needs a workflow for the end of the others.
    for (const id of [approved.id, given.id]) await target.revoke(id, 'expired', 'overdue');
    expect(await held()).toEqual(NOBODY);
  }, 240_000);
});
