import type { Connector } from '../../../src/connectors/contract';
import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { type Reconciler, startReconciler } from '../../../src/reconciler';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let connector: Connector;
const started: Reconciler[] = [];
const lines: object[] = [];
const logger = {
  info: () => undefined,
  warn: (about: object, message: string) => void lines.push({ ...about, message }),
  error: (about: object, message: string) => void lines.push({ ...about, message }),
};

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterEach(async () => {
  for (const reconciler of started.splice(0)) await reconciler.stop();
  lines.length = 0;
});
afterAll(async () => {
  await connector.close();
  postgres.stop();
});

/** One that looks when it is told to: its own first look is waited for, the next is an hour away. */
async function reconciler(graceMs = 0): Promise<Reconciler> {
  const connectors = new Map([['warehouse', connector]]);
  const one = startReconciler({ connectors, intervalMs: 3_600_000, graceMs, logger });
  started.push(one);
  return one;
}

/** The target, but for what ends a lease; or one that cannot be reached at all. */
const connectorThat = (revoke: Connector['revoke'], down = false): Connector => ({
  provision: (authorisation) => connector.provision(authorisation),
  revoke,
  list: (scope, governed) => connector.list(scope, governed),
  overdue: (atMs) => connector.overdue(atMs),
  ...(connector.findings && { findings: connector.findings }),
  endSessions: async () => (await connector.endSessions?.()) ?? [],
  withReconcilerLock: (work) =>
    down ? Promise.reject(new Error('the database cannot be reached')) : connector.withReconcilerLock(work),
  close: () => connector.close(),
});

const give = async (id: string, durationMs: number) =>
  connector.provision(await authorise({ id, account: 'payments_ci', role: 'production_write', durationMs }));

const holds = async () => {
  const [row] = await postgres.query(
    "SELECT pg_has_role('payments_ci', 'production_write', 'MEMBER') AS held",
  );
  return row?.['held'];
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(reached: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (await reached()) return;
    await pause(50);
  }
  throw new Error('it did not come to pass');
}

describe('EMG-2 the end of a grant needs neither its workflow nor Temporal', () => {
  test('a lease past its end is ended even though no Temporal server runs', async () => {
    await give('overdue-0001', 1);
    expect(await holds()).toBe(true);
    await reconciler();
    await until(async () => (await holds()) === false);
    // The line is written after the access is gone.
    await until(() => lines.length > 0);
    expect(lines).toContainEqual(
      expect.objectContaining({ leaseId: 'overdue-0001', message: 'overdue lease ended' }),
    );
  });

  test('a lease in time, and one within its grace, are left alone', async () => {
    await give('in-time-0001', 60_000);
    await give('in-grace-001', 1);
    const one = await reconciler(60_000);
    await one.pass();
    expect(one.counts.leasesEnded).toBe(0);
    expect(await holds()).toBe(true);
    await connector.revoke('in-time-0001', 'revoked');
    await connector.revoke('in-grace-001', 'revoked');
  });

  test('two reconcilers at once end a lease once', async () => {
    await give('overdue-0002', 1);
    const [first, second] = await Promise.all([reconciler(), reconciler()]);
    await until(async () => (await holds()) === false);
    // The look that ended it counts it once everything that comes after the end is done.
    await until(async () => first.counts.leasesEnded + second.counts.leasesEnded > 0);
    await Promise.all([first.pass(), second.pass()]);
    expect(first.counts.leasesEnded + second.counts.leasesEnded).toBe(1);
  });

  test('the next look retries a target that was down', async () => {
    await give('overdue-0003', 60_000);
    const one = await reconciler();
    await until(() => one.counts.passes > 0);
    await one.pass();
    postgres.halt();
    await one.pass();
    postgres.restart();
    expect(one.counts.failures).toBe(1);
    await postgres.query(
      "UPDATE countersign.lease SET granted_at_ms = 1, expires_at_ms = 2 WHERE lease_id = 'overdue-0003'",
    );
    await until(async () => {
      await one.pass();
      return (await holds()) === false;
    });
  });

  test('a lease that cannot be ended does not keep the others alive, and people are alerted', async () => {
    await give('stubborn-001', 1);
    await give('overdue-0004', 1);
    const stubborn = connectorThat(async (leaseId, reason) => {
      if (leaseId === 'stubborn-001') throw new Error('the database refused: 42501');
      return connector.revoke(leaseId, reason);
    });
    const nowMs = () => Date.now() + 180_000;
    const one = startReconciler({
      connectors: new Map([['warehouse', stubborn]]),
      intervalMs: 3_600_000,
      nowMs,
      logger,
    });
    started.push(one);
    await until(() => one.counts.leasesEnded === 1);
    expect(lines).toContainEqual(
      expect.objectContaining({
        leaseId: 'stubborn-001',
        message: 'ALERT access is alive past its end and could not be taken away',
      }),
    );
    expect(one.counts.alerts).toBe(1);
    await connector.revoke('stubborn-001', 'expired');
    expect(await holds()).toBe(false);
  });

  test('a lease whose ending hangs does not delay the others of its target', async () => {
    await give('hanging-0001', 1);
    await give('overdue-0006', 1);
    let letGo: () => void = () => undefined;
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const slow = connectorThat(async (leaseId, reason) => {
      if (leaseId === 'hanging-0001') await hanging;
      return connector.revoke(leaseId, reason);
    });
    const connectors = new Map([['warehouse', slow]]);
    const one = startReconciler({ connectors, intervalMs: 3_600_000, graceMs: 0, logger });
    started.push(one);
    await until(() => one.counts.leasesEnded === 1);
    letGo();
    await until(() => one.counts.leasesEnded === 2);
    expect(await holds()).toBe(false);
  });

  test('a target that hangs does not delay other targets', async () => {
    let letGo: () => void = () => undefined;
    const hanging = new Promise<boolean>((resolve) => {
      letGo = () => resolve(false);
    });
    const connectors = new Map([
      [
        'silent',
        { ...connectorThat(() => Promise.reject(new Error('unused'))), withReconcilerLock: () => hanging },
      ],
      ['warehouse', connector],
    ]);
    const one = startReconciler({ connectors, intervalMs: 10, graceMs: 0, logger });
    started.push(one);
    await until(() => one.counts.passes > 1);
    await give('overdue-0007', 1);
    await until(async () => (await holds()) === false);
    letGo();
  });

  test('people are alerted to sessions that could not be ended with their access, and the finding is recorded', async () => {
    const left = { account: 'payments_ci', grant: 'production_write' };
    const target = {
      ...connectorThat((...about) => connector.revoke(...about)),
      endSessions: async () => [left],
    };
    await give('lingers-0001', 60_000);
    await connector.revoke('lingers-0001', 'revoked');
    const connectors = new Map([['warehouse', target]]);
    const one = startReconciler({ connectors, intervalMs: 3_600_000, logger });
    started.push(one);
    await until(() => one.counts.alerts === 1);
    expect(lines).toContainEqual(
      expect.objectContaining({ ...left, message: expect.stringMatching(/^ALERT sessions/) }),
    );
    expect(await connector.findings?.read('lingers-0001')).toMatchObject([{ kind: 'drift', ...left }]);
  });

  test('people are alerted to a target that stays down for minutes', async () => {
    let ms = 0;
    const down = connectorThat(() => Promise.reject(new Error('unused')), true);
    const one = startReconciler({
      connectors: new Map([['warehouse', down]]),
      intervalMs: 3_600_000,
      nowMs: () => ms,
      logger,
    });
    started.push(one);
    await until(() => one.counts.failures === 1);
    expect(one.counts.alerts).toBe(0);
    ms = 150_000;
    await one.pass();
    expect(one.counts.alerts).toBe(1);
  });

  test('AUD-4 what the reconciler did is recorded for the evidence of the request', async () => {
    await give('overdue-0005', 1);
    const one = await reconciler();
    await until(() => one.counts.leasesEnded === 1);
    const [finding, ...others] = (await connector.findings?.read('overdue-0005')) ?? [];
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      kind: 'overdue',
      account: 'payments_ci',
      grant: 'production_write',
      times: 1,
    });
    expect(finding?.lateMs).toBeGreaterThanOrEqual(0);
  });

  test('a lock that a wrong clock took for a year is ignored', async () => {
    await postgres.query('UPDATE countersign.reconciler SET until_ms = $1', [Date.now() + 31_536_000_000]);
    const one = await reconciler();
    await until(() => one.counts.passes === 1);
    await one.pass();
    expect(one.counts.skipped).toBeLessThan(2);
  });

  test('FRI-8 access to what the catalog governs is found even if it was never leased', async () => {
    await postgres.query('GRANT reporting_read TO ines; CREATE ROLE unheard_of; GRANT unheard_of TO ines');
    const governed = async () => new Map([['warehouse', [{ role: 'reporting_read' }, { audience: 'x' }]]]);
    const one = startReconciler({
      connectors: new Map([['warehouse', connector]]),
      intervalMs: 3_600_000,
      governed,
      logger,
    });
    started.push(one);
    await until(() => one.counts.driftSeen > 0);
    const found = ((await connector.findings?.read()) ?? []).filter(({ account }) => account === 'ines');
    expect(found).toMatchObject([{ kind: 'drift', grant: 'reporting_read' }]);
  });

  test('AUD-4 access that comes back after its lease is recorded for the evidence of that request', async () => {
    await give('regiven-0001', 60_000);
    await connector.revoke('regiven-0001', 'revoked');
    await postgres.query('GRANT production_write TO payments_ci');
    const one = await reconciler();
    await until(() => one.counts.driftSeen > 0);
    // Counted before it is kept.
    await until(async () => ((await connector.findings?.read('regiven-0001')) ?? []).length > 0);
    expect(await connector.findings?.read('regiven-0001')).toMatchObject([{ kind: 'drift' }]);
    await postgres.query('REVOKE production_write FROM payments_ci');
  });

  test('FRI-8 access without a lease, and a lease without access, are reported', async () => {
    await give('absent-00001', 60_000);
    await postgres.query('REVOKE production_write FROM payments_ci; GRANT production_write TO mira');
    const one = await reconciler();
    await until(() => lines.length >= 2);
    await one.pass();
    const findings = (await connector.findings?.read()) ?? [];
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'drift', account: 'mira' }));
    expect(findings).toContainEqual(expect.objectContaining({ kind: 'missing', leaseId: 'absent-00001' }));
    expect(lines).toContainEqual(
      expect.objectContaining({ account: 'mira', message: 'access without a lease' }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ leaseId: 'absent-00001', message: 'lease without access' }),
    );
  });
});
