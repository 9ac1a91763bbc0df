import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import { PostgresqlLedger } from '../../../src/ledger';
import { LedgerComparison } from '../../../src/reconciler/compare';
import { authorise } from '../../support/authorisation';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

const MINUTE = 60_000;

let postgres: TestPostgres;
let ledger: PostgresqlLedger;
let connector: PostgresqlConnector;
let aheadMs = 0;
beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(WAREHOUSE);
  ledger = new PostgresqlLedger({ url: postgres.url });
  connector = new PostgresqlConnector({ url: postgres.url });
}, 60_000);
afterAll(async () => {
  await Promise.all([ledger.close(), connector.close()]);
  postgres.stop();
});

/** A grant in the ledger, or on the target, or in both. */
async function granted(request: string, account: string, where: readonly ('ledger' | 'target')[]) {
  const nowMs = Date.now();
  const parties = { requester: 'ci/payments', beneficiary: 'ci/payments', parties: ['ci/payments'] };
  if (where.includes('ledger'))
    await ledger.granted({
      ...{ digest: `sha-256:${request.padEnd(43, '0')}`, request, connector: 'warehouse', emergency: false },
      ...{
        ...parties,
        participants: [],
        reviewers: [],
        grantedAtMs: nowMs,
        expiresAtMs: nowMs + 60 * MINUTE,
      },
    });
  if (!where.includes('target')) return;
  const terms = { id: request, account, role: 'production_write', durationMs: 60 * MINUTE };
  expect(await connector.provision(await authorise(terms))).toMatchObject({ outcome: 'granted' });
}

function comparison() {
  const lines: { leaseId?: string; message: string }[] = [];
  const error = (about: object, message: string) => void lines.push({ ...about, message });
  const logger = { info: () => undefined, warn: () => undefined, error };
  const compare = new LedgerComparison({ ledger, logger, nowMs: () => Date.now() + aheadMs });
  return { lines, look: () => compare.look('warehouse', connector) };
}

const isOpen = async (request: string) =>
  (await ledger.openGrants(Date.now())).some((grant) => grant.request === request);

describe('EMG-2, FRI-8 ledger and target are compared, and what a restored backup changed is told', () => {
  test('a target from before a grant, and a ledger from before one: each is told once; what agrees is not', async () => {
    await granted('agree-0001', 'payments_ci', ['ledger', 'target']);
    await granted('before-0001', 'deploy_bot', ['ledger']);
    await granted('before-0002', 'deploy_bot', ['target']);
    const { lines, look } = comparison();
    await look();
    // A grant is recorded before the act, so a young one may be on its way.
    expect(lines).toEqual([]);
    aheadMs = 6 * MINUTE;
    await look();
    expect(lines).toEqual([
      expect.objectContaining({
        leaseId: 'before-0001',
        message: expect.stringMatching(/target does not know/),
      }),
      expect.objectContaining({
        leaseId: 'before-0002',
        account: 'deploy_bot',
        message: expect.stringMatching(/ledger has no open grant/),
      }),
    ]);
    for (aheadMs = 8 * MINUTE; aheadMs < 20 * MINUTE; aheadMs += 2 * MINUTE) await look();
    expect(lines).toHaveLength(2);
    expect([await isOpen('agree-0001'), await isOpen('before-0001')]).toEqual([true, true]);
  });

  test('a lease that the target has ended, and whose end never reached the ledger, is closed in it', async () => {
    await granted('ended-0001', 'payments_ci', ['ledger', 'target']);
    await connector.revoke('ended-0001', 'expired', 'overdue');
    expect(await isOpen('ended-0001')).toBe(true);
    aheadMs = 30 * MINUTE;
    const { lines, look } = comparison();
    await look();
    expect(await isOpen('ended-0001')).toBe(false);
    expect(lines.map(({ leaseId }) => leaseId)).not.toContain('ended-0001');
  });

  test('a lease that had ended and lives again on a restored target is ended again, and that is told', async () => {
    await granted('again-0001', 'deploy_bot', ['ledger', 'target']);
    await ledger.over('again-0001', Date.now() + MINUTE);
    aheadMs = 50 * MINUTE;
    const { lines, look } = comparison();
    await look();
    expect(lines).toContainEqual(
      expect.objectContaining({ leaseId: 'again-0001', message: expect.stringMatching(/ended again/) }),
    );
    const { leases } = await connector.list('alive');
    expect(leases.map(({ id }) => id)).not.toContain('again-0001');
    expect(leases.map(({ id }) => id)).toContain('before-0002');
  });
});
