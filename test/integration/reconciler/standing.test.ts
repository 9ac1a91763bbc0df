import { PostgresqlConnector } from '../../../src/connectors/postgresql/connector';
import type { GrantEntry } from '../../../src/domain/precedents';
import { PostgresqlLedger } from '../../../src/ledger';
import { type StandingWatch, watchStanding } from '../../../src/reconciler';
import { authorise } from '../../support/authorisation';
import { eventuallyTrue } from '../../support/harness-wait';
import { startPostgres, type TestPostgres, WAREHOUSE } from '../../support/postgres';

let postgres: TestPostgres;
let ledger: PostgresqlLedger;
let connector: PostgresqlConnector;
const lines: object[] = [];
const logger = {
  info: () => undefined,
  warn: () => undefined,
  error: (about: object, message: string) => void lines.push({ ...about, message }),
};
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

async function grantOnRecord(request: string, on: string, account: string, endsInMs = 60_000): Promise<void> {
  const nowMs = Date.now();
  const entry: GrantEntry = {
    digest: `sha-256:${request.padEnd(43, '0')}`,
    request,
    connector: on,
    emergency: false,
    requester: 'ci/payments',
    beneficiary: 'ci/payments',
    parties: ['ci/payments'],
    participants: [],
    reviewers: [],
    grantedAtMs: nowMs,
    expiresAtMs: nowMs + endsInMs,
  };
  await ledger.granted(entry);
  const terms = { id: request, account, role: 'production_write', durationMs: 60_000 };
  expect(await connector.provision(await authorise(terms))).toMatchObject({ outcome: 'granted' });
}

const holds = async (account: string) => {
  const [row] = await postgres.query("SELECT pg_has_role($1, 'production_write', 'MEMBER') AS held", [
    account,
  ]);
  return row?.['held'];
};

const watch = (connectors: ReadonlyMap<string, PostgresqlConnector>, active: boolean): StandingWatch =>
  watchStanding({
    ledger,
    connectors,
    directory: async () => ({ standingOf: () => ({ active }) }),
    intervalMs: 20,
    logger,
  });

describe('FRI-7 a grant ends with the identity it rests on', () => {
  test('also while another target hangs', async () => {
    let letGo: () => void = () => undefined;
    const hanging = new Promise<never>((_, reject) => {
      letGo = () => reject(new Error('the target has gone'));
    });
    class Silent extends PostgresqlConnector {
      override revoke = () => hanging;
    }
    const silent = new Silent({ url: postgres.url });
    await grantOnRecord('silent-0001', 'silent', 'deploy_bot');
    const standing = watch(
      new Map([
        ['silent', silent],
        ['warehouse', connector],
      ]),
      false,
    );
    try {
      await eventuallyTrue('a look is over', async () => standing.counts.passes > 2);
      await grantOnRecord('leaver-0001', 'warehouse', 'payments_ci');
      await eventuallyTrue('access is gone', async () => (await holds('payments_ci')) === false);
      expect(await holds('deploy_bot')).toBe(true);
    } finally {
      letGo();
      await standing.stop();
      await silent.close();
      await ledger.over('silent-0001', Date.now());
    }
  });
});

describe('EMG-2 a connector that was removed or renamed does not orphan its grants in silence', () => {
  test.each([
    ['in time', 60_000],
    ['past its end', 1],
  ])('a grant %s on a connector that this worker does not have alerts people, until it is over', async (what, endsInMs) => {
    lines.length = 0;
    const request = `orphan-${what.replaceAll(' ', '-')}`;
    await grantOnRecord(request, 'store', 'mira', endsInMs);
    const standing = watch(new Map([['warehouse', connector]]), true);
    try {
      await eventuallyTrue('people are called', async () => lines.length > 0);
      expect(lines[0]).toMatchObject({
        connector: 'store',
        grants: 1,
        leaseIds: [request],
        message: expect.stringMatching(/^ALERT /),
      });
      await ledger.over(request, Date.now());
      await eventuallyTrue('no more', async () => standing.counts.orphans === 0);
    } finally {
      await standing.stop();
      await connector.revoke(request, 'revoked');
    }
  });
});
