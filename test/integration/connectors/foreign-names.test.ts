import { Client } from 'pg';
import { findDefinition } from '../../../src/connectors';
import { checkTarget } from '../../../src/connectors/postgresql/check';
import { Harness } from '../../support/harness';
import { WRITE } from '../../support/harness-asks';
import { eventuallyTrue } from '../../support/harness-wait';

/** Names as companies have them, each as an account and as a role. PostgreSQL takes 63 bytes. */
const NAMES = ['_svc', "O'Brien", 'jürgen', 'Payments Write', 'a "b" \\c', 'ä'.repeat(31)];
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** A session of an account. Losing it is what the test waits for, so its error is nobody's concern. */
async function sessionOf(account: string): Promise<Client> {
  const url = new URL(harness.postgres.url);
  url.username = encodeURIComponent(account);
  const client = new Client({ connectionString: url.href });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

let harness: Harness;
beforeAll(async () => {
  harness = await Harness.start({ worker: false });
  for (const name of NAMES)
    await harness.postgres.query(
      `CREATE ROLE ${quoted(`${name}!`)}; CREATE ROLE ${quoted(name)} LOGIN; CREATE TABLE ${quoted(name)} (x int);
       GRANT SELECT ON ${quoted(name)} TO ${quoted(`${name}!`)}`,
    );
  harness.bundle.set('directory.yaml', ['identities', 'ci/payments', 'accounts', 'warehouse'], 'nobody yet');
  await harness.startWorker();
}, 120_000);
afterAll(() => harness?.stop());

describe('TGT-4 accounts and roles with names of other people', () => {
  test.each(
    NAMES,
  )('the account %s gets a role of such a name, uses it, and loses it with its session', async (name) => {
    const role = `${name}!`;
    harness.bundle.set('directory.yaml', ['identities', 'ci/payments', 'accounts', 'warehouse'], name);
    harness.bundle.set(
      'catalog.yaml',
      ['resources', 'warehouse:payments', 'actions', 'write', 'grant', 'role'],
      role,
    );
    const checks = await checkTarget(harness.postgres.url, { grants: [{ role }], accounts: [name] });
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    const request = await harness.cast.ask(WRITE);
    expect(await harness.cast.say('person/mira', 'approve', request)).toBe('accepted');
    const { lease } = await harness.cast.until(request, ({ status }) => status === 'active');
    expect(lease?.account).toBe(name);
    expect(await harness.holds(name, role)).toBe(true);
    const session = await sessionOf(name);
    try {
      await session.query(`SELECT * FROM ${quoted(name)}`);
      expect(await harness.cast.say('person/mira', 'revoke', request)).toBe('accepted');
      await harness.cast.over(request);
      expect(await harness.holds(name, role)).toBe(false);
      await eventuallyTrue('the session has ended', () =>
        session.query('SELECT 1').then(
          () => false,
          () => true,
        ),
      );
    } finally {
      await session.end();
    }
  });

  test('the set-up script for such names runs, and lets the connector grant them', async () => {
    const roles = NAMES.map((name) => `${name}!`);
    const script = findDefinition('postgresql')?.setUp(
      { grants: roles.map((role) => ({ role })), accounts: NAMES },
      'Count "ersign"',
    );
    await harness.postgres.query(script ?? '');
    const url = new URL(harness.postgres.url);
    url.username = encodeURIComponent('Count "ersign"');
    const checks = await checkTarget(url.href, { grants: roles.map((role) => ({ role })), accounts: NAMES });
    // The worker of the other tests owns the tables.
    expect(checks.filter(({ ok, what }) => !ok && what !== 'tables')).toEqual([]);
    expect(checks.length).toBeGreaterThan(2 * NAMES.length);
  });
});
