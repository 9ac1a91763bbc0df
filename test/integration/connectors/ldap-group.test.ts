import { Attribute, Change } from 'ldapts';
import type { CatalogGrant } from '../../../src/connectors/contract';
import { authorise, connectorContract } from '../../../src/connectors/kit';
import { ldapGroup } from '../../../src/connectors/ldap-group/definition';
import { LdapGroups } from '../../../src/connectors/ldap-group/target';
import { LeaseBookConnector } from '../../../src/connectors/lease-book/connector';
import { sleep } from '../../support/harness-wait';
import { LOGIN, PASSWORD, TestLdap } from '../../support/ldap';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const JONAS = 'uid=jonas,ou=people,dc=example,dc=com';
const DBA = 'cn=dba,dc=example,dc=com';

let ldap: TestLdap;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
let nowMs = () => Date.now();
beforeAll(async () => {
  [ldap, postgres] = await Promise.all([TestLdap.start(), startPostgres()]);
  connector = connect();
}, 120_000);
afterAll(async () => {
  await connector?.close();
  await ldap?.stop();
  postgres?.stop();
});
afterEach(() => {
  nowMs = () => Date.now();
});

const settings = () => ({ url: ldap.url, bindDn: LOGIN, password: PASSWORD, tls: 'none' as const });
const connect = () =>
  new LeaseBookConnector({
    name: 'directory',
    target: new LdapGroups(settings()),
    url: postgres.url,
    nowMs: () => nowMs(),
  });

const change = (operation: 'add' | 'delete', group = DBA, type = 'member', value = JONAS) =>
  ldap.asRoot((client) =>
    client.modify(group, new Change({ operation, modification: new Attribute({ type, values: [value] }) })),
  );
const holds = (group = DBA, type = 'member', value = JONAS) =>
  ldap.asRoot((client) => client.compare(group, type, value).catch(() => false));
const proofOf = (id: string, grant: CatalogGrant = { group: DBA }, account = JONAS, durationMs = 60_000) =>
  authorise({ id, account, grant, durationMs });

const contract = connectorContract({
  definition: ldapGroup,
  connector: () => connector,
  account: JONAS,
  grant: { group: DBA },
  grantName: DBA,
  unknown: [
    { account: 'uid=nobody,ou=people,dc=example,dc=com' },
    { account: 'jonas' },
    { grant: { group: 'cn=nothing,dc=example,dc=com' } },
  ],
  access: {
    holds: () => holds(),
    giveAside: () => change('add'),
    takeAside: () => change('delete'),
  },
  breakOff: async (work) => {
    ldap.proxy.nextChange = 'is lost';
    await expect(work()).rejects.toThrow('the directory cannot be reached');
  },
  outage: { halt: () => ldap.halt(), restart: () => ldap.restart() },
});

describe('TGT-1, TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: groups of an LDAP directory', () => {
  for (const { name, run } of contract) test(name, run);
});

describe('TGT-2 whatever crashes between the lease book and the directory, access ends', () => {
  test('the change was made and the worker did not hear it: asked again, the same lease is confirmed', async () => {
    const proof = await proofOf('unheard-0001');
    ldap.proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(proof)).rejects.toThrow('the directory cannot be reached');
    expect(await holds()).toBe(true);
    const again = await connector.provision(proof);
    expect(again).toMatchObject({ outcome: 'granted', lease: { id: 'unheard-0001' } });
    expect(await connector.revoke('unheard-0001', 'revoked')).toMatchObject({ accessRemoved: true });
    expect(await holds()).toBe(false);
  });

  test('nobody asks again: the intent is overdue at its end, is present, and ends like any lease', async () => {
    const proof = await proofOf('forgotten-0001', { group: DBA }, JONAS, 5_000);
    ldap.proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(proof)).rejects.toThrow();
    const late = Date.now() + 10_000;
    expect(await connector.overdue(late)).toMatchObject([{ id: 'forgotten-0001', present: true }]);
    expect((await connector.list()).drift).toEqual([]);
    expect(await connector.revoke('forgotten-0001', 'expired', 'overdue')).toMatchObject({
      accessRemoved: true,
    });
    expect(await holds()).toBe(false);
  });

  test('an intent that came to nothing is never given once its time is over, or once it was ended', async () => {
    const proof = await proofOf('too-late-0001', { group: DBA }, JONAS, 5_000);
    ldap.proxy.nextChange = 'is lost';
    await expect(connector.provision(proof)).rejects.toThrow();
    nowMs = () => Date.now() + 10_000;
    expect(await connector.provision(proof)).toMatchObject({ refusal: { code: 'LEASE_ENDED' } });
    nowMs = () => Date.now();
    expect(await connector.revoke('too-late-0001', 'expired')).toMatchObject({ neverGiven: true });
    expect(await connector.provision(proof)).toMatchObject({ outcome: 'ended' });
    expect(await holds()).toBe(false);
  });

  test('an end whose change was lost is not recorded as an end', async () => {
    await connector.provision(await proofOf('lost-end-0001'));
    ldap.proxy.nextChange = 'is lost';
    await expect(connector.revoke('lost-end-0001', 'expired')).rejects.toThrow();
    expect((await connector.list('alive')).leases.map(({ id }) => id)).toContain('lost-end-0001');
    expect(await connector.revoke('lost-end-0001', 'expired')).toMatchObject({ accessRemoved: true });
    expect(await holds()).toBe(false);
  });

  test('an end that was carried out unheard ends when it is asked for again', async () => {
    await connector.provision(await proofOf('unheard-end-0001'));
    ldap.proxy.nextChange = 'is done, unheard';
    await expect(connector.revoke('unheard-end-0001', 'expired')).rejects.toThrow();
    expect(await holds()).toBe(false);
    expect(await connector.revoke('unheard-end-0001', 'expired')).toMatchObject({ accessRemoved: true });
  });

  test('a lease that begins while the last one is being ended keeps its access', async () => {
    const other = connect();
    await connector.provision(await proofOf('ending-0001'));
    ldap.proxy.nextChange = 'is held';
    const ending = connector.revoke('ending-0001', 'expired');
    const release = await ldap.proxy.held();
    const giving = other.provision(await proofOf('beginning-0001'));
    // Without the lock it would be given now, and taken away by the change that is held back.
    await Promise.race([giving, sleep(500)]);
    release();
    expect((await ending).accessRemoved).toBe(true);
    expect(await giving).toMatchObject({ outcome: 'granted' });
    expect(await holds()).toBe(true);
    await other.revoke('beginning-0001', 'revoked');
    await other.close();
  });

  test('two workers that give and end overlapping leases at once leave what the last lease says', async () => {
    const other = connect();
    const ids = Array.from({ length: 8 }, (_, index) => `overlap-000${index}`);
    await Promise.all(
      ids.map(async (id, index) => (index % 2 === 0 ? connector : other).provision(await proofOf(id))),
    );
    await Promise.all(
      ids.slice(1).map((id, index) => (index % 2 === 0 ? other : connector).revoke(id, 'revoked')),
    );
    expect(await holds()).toBe(true);
    await other.revoke('overlap-0000', 'revoked');
    expect(await holds()).toBe(false);
    await other.close();
  });
});

describe('TGT-1 what an LDAP directory alone has', () => {
  test.each([
    ['uniqueMember', 'cn=ops,dc=example,dc=com', JONAS],
    ['memberUid', 'cn=shell,dc=example,dc=com', 'jonas'],
  ])('a group with %s', async (attribute, group, account) => {
    const target = new LdapGroups({ ...settings(), peopleDn: 'ou=people,dc=example,dc=com' });
    const special = new LeaseBookConnector({ name: attribute, target, url: postgres.url });
    const given = await special.provision(await proofOf(`${attribute}-0001`, { group, attribute }, account));
    expect(given).toMatchObject({ outcome: 'granted' });
    expect(await holds(group, attribute, account)).toBe(true);
    await special.revoke(`${attribute}-0001`, 'revoked');
    expect(await holds(group, attribute, account)).toBe(false);
    await special.close();
  });

  test('a uid cannot say more in a filter than a uid', async () => {
    const target = new LdapGroups({ ...settings(), peopleDn: 'ou=people,dc=example,dc=com' });
    const grant = { group: 'cn=shell,dc=example,dc=com', attribute: 'memberUid' };
    for (const account of ['*', 'j*', 'nobody)(uid=jonas'])
      expect(await target.refuse({ account, grant, grantName: grant.group })).toBe(
        `there is nobody with the uid ${account} below ou=people,dc=example,dc=com`,
      );
  });

  test('the same person in another spelling is the same person', async () => {
    await connector.provision(
      await proofOf('spelling-0001', { group: DBA }, 'UID=Jonas, ou=people, dc=Example,dc=com'),
    );
    expect((await connector.list()).drift).toEqual([]);
    expect((await connector.list('alive')).leases).toMatchObject([{ id: 'spelling-0001', present: true }]);
    await connector.revoke('spelling-0001', 'revoked');
    expect(await holds()).toBe(false);
  });

  test('the connection is encrypted, and only to a directory whose certificate is trusted', async () => {
    const through = (caFile?: string) =>
      new LdapGroups({ ...settings(), tls: 'required', ...(caFile !== undefined && { caFile }) });
    const access = { account: JONAS, grant: { group: DBA }, grantName: DBA };
    expect(await through(ldap.ca).holds(access)).toBe(false);
    await expect(through().holds(access)).rejects.toThrow(/^the directory cannot be reached \(\w+\)$/);
  });

  test('TGT-4 a wrong password and a missing right are permanent, in the words of the directory, without the secret', async () => {
    const wrong = new LdapGroups({ ...settings(), password: 'not-this-one' });
    const access = { account: JONAS, grant: { group: DBA }, grantName: DBA };
    await expect(wrong.give(access)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^the directory refused: InvalidCredentials(?!.*not-this-one)/),
    });
    const [reach] = await ldapGroup.check(
      { url: ldap.url, bindDn: LOGIN, password: 'not-this-one', tls: 'none' },
      { grants: [], accounts: [] },
    );
    expect(reach).toMatchObject({ what: 'reach', ok: false });
  });

  test('AUD-1 findings are kept beside the leases, once each, and read by lease and by access', async () => {
    await connector.provision(await proofOf('finding-0001'));
    await connector.revoke('finding-0001', 'expired');
    const about = { account: JONAS, grant: DBA };
    for (const _ of [1, 2]) await connector.findings.keep({ kind: 'drift', ...about });
    await connector.findings.keep({ kind: 'overdue', leaseId: 'finding-0001', ...about, lateMs: 7_000 });
    await connector.findings.keep({ kind: 'drift', account: 'somebody else', grant: DBA });
    const found = (await connector.findings.read('finding-0001')).map(({ kind, account, times, lateMs }) => ({
      kind,
      account,
      times,
      lateMs,
    }));
    expect(found.sort((a, b) => b.kind.localeCompare(a.kind))).toEqual([
      { kind: 'overdue', account: JONAS, times: 1, lateMs: 7_000 },
      { kind: 'drift', account: JONAS, times: 2, lateMs: undefined },
    ]);
    const all = (await connector.findings.read()).filter(({ kind }) => kind !== 'missing');
    expect(all.map(({ account }) => account).sort()).toEqual(['somebody else', JONAS, JONAS]);
    expect(await connector.findings.read('another-0001')).toEqual([]);
  });

  test('connector check says which names are wrong', async () => {
    const expected = {
      grants: [{ group: DBA }, { group: 'cn=gone,dc=example,dc=com' }],
      accounts: [JONAS, 'uid=left,ou=people,dc=example,dc=com'],
    };
    const checks = await ldapGroup.check(settings(), expected);
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['reach', true],
      [`group ${DBA}`, true],
      ['group cn=gone,dc=example,dc=com', false],
      [`account ${JONAS}`, true],
      ['account uid=left,ou=people,dc=example,dc=com', false],
    ]);
  });
});
