import { setTimeout as sleep } from 'node:timers/promises';
import { GroupMembership } from '../../src/connectors/group-membership';
import { keycloakGroup } from '../../src/connectors/keycloak-group/definition';
import { KeycloakRealm } from '../../src/connectors/keycloak-group/realm';
import { ROLES } from '../../src/connectors/keycloak-group/set-up';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { freePort } from '../../src/stack/free-port';
import { TestKeycloak } from '../support/keycloak';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { ChangeProxy } from '../support/targets/change-proxy';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';

const REALM = '/admin/realms/company';
const GRANT = { group: '/payments/dba' };
const ODD = { group: '/Söhne & Töchter "x" 100% #1?' };
/** More than Keycloak lists at a time. */
const MANY = Array.from({ length: 501 }, (_, index) => `of-many-${index}`);
const LOGIN = { realm: 'company', clientId: 'countersign', clientSecret: 'secret-of-the-client' };

let keycloak: TestKeycloak;
let postgres: TestPostgres;
let proxy: ChangeProxy;
let isDown = false;
let connector: LeaseBookConnector;
beforeAll(async () => {
  [keycloak, postgres] = await Promise.all([TestKeycloak.start(), startPostgres()]);
  const client = (clientId: string) => ({
    ...{ clientId, secret: LOGIN.clientSecret, serviceAccountsEnabled: true },
    ...{ publicClient: false, standardFlowEnabled: false },
  });
  await keycloak.makeRealm({
    realm: 'company',
    clients: [client('countersign'), client('weak')],
    groups: [
      { name: 'payments', subGroups: [{ name: 'dba' }] },
      { name: ODD.group.slice(1) },
      { name: 'many' },
    ],
    users: [
      ...MANY.map((username) => ({ username, enabled: true, groups: ['/many'] })),
      { username: 'jonas', enabled: true },
      { username: 'mira', enabled: true },
      { username: "o'brien@example.com", enabled: true },
      { username: 'left', enabled: false },
      {
        username: 'service-account-countersign',
        enabled: true,
        serviceAccountClientId: 'countersign',
        clientRoles: { 'realm-management': [...ROLES] },
      },
    ],
  });
  proxy = await ChangeProxy.start({
    upstream: () => (isDown ? undefined : new URL(keycloak.url)),
    isChange: ({ method, url }) => /^(PUT|DELETE)$/.test(method ?? '') && /\/groups\//.test(url ?? ''),
  });
  connector = new LeaseBookConnector({ name: 'directory', target: target(), url: postgres.url });
}, 900_000);
afterAll(async () => {
  await connector?.close();
  await proxy?.stop();
  await keycloak?.stop();
  postgres?.stop();
});

const target = (login = LOGIN) => new GroupMembership(new KeycloakRealm({ url: proxy.url, ...login }));
const realm = () => new KeycloakRealm({ url: proxy.url, ...LOGIN });
const proofOf = (id: string, account = 'jonas', grant = GRANT) => authorise({ id, account, grant });

async function idOf(where: string): Promise<string> {
  const found = await keycloak.admin('GET', `${REALM}${where}`);
  const [first] = [found].flat();
  return (first as { id: string }).id;
}
const user = (name: string) => idOf(`/users?exact=true&username=${encodeURIComponent(name)}`);
const isMember = async (name = 'jonas', group = 'dba') => {
  const groups = await keycloak.admin('GET', `${REALM}/users/${await user(name)}/groups`);
  return JSON.stringify(groups).includes(`"name":"${group}"`);
};
/** Changes the membership as the administrator, past the connector. */
const aside = async (method: 'PUT' | 'DELETE', name = 'jonas') => {
  const group = await idOf('/group-by-path/payments/dba');
  await keycloak.admin(method, `${REALM}/users/${await user(name)}/groups/${group}`);
};

const outage = {
  halt: async () => {
    isDown = true;
  },
  restart: async () => {
    isDown = false;
  },
};

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: groups of Keycloak', () => {
  const contract = connectorContract({
    definition: keycloakGroup,
    connector: () => connector,
    account: 'jonas',
    grant: GRANT,
    grantName: GRANT.group,
    unknown: [{ account: 'nobody' }, { account: 'left' }, { grant: { group: '/payments/nothing' } }],
    access: { holds: () => isMember(), giveAside: () => aside('PUT'), takeAside: () => aside('DELETE') },
    breakOff: async (work) => {
      proxy.nextChange = 'is lost';
      await expect(work()).rejects.toThrow('Keycloak cannot be reached');
    },
    outage,
  });
  for (const { name, run } of contract) test(name, run, 120_000);
});

describe('TGT-1 TGT-4 what Keycloak alone has', () => {
  test('a change that was carried out unheard is confirmed when it is asked for again', async () => {
    proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(await proofOf('unheard-0001'))).rejects.toThrow('cannot be reached');
    expect(await isMember()).toBe(true);
    expect(await connector.provision(await proofOf('unheard-0001'))).toMatchObject({ outcome: 'granted' });
    expect(await connector.revoke('unheard-0001', 'revoked')).toMatchObject({ accessRemoved: true });
  }, 60_000);

  test('odd names are taken as they are; the case of a name does not matter', async () => {
    for (const [id, account, grant] of [
      ['odd-names-0001', "o'brien@example.com", ODD],
      ['odd-names-0002', 'Jonas', GRANT],
    ] as const) {
      expect(await connector.provision(await proofOf(id, account, grant))).toMatchObject({
        outcome: 'granted',
      });
      const { leases, drift } = await connector.list('alive');
      expect(leases).toMatchObject([{ account, present: true }]);
      expect(drift).toEqual([]);
      await connector.revoke(id, 'revoked');
    }
    for (const part of ['jona', 'onas', 'jon*', '*', '%', 'jonas '])
      expect(await realm().findAccount(part)).toMatchObject({
        refused: expect.stringMatching(/^there is no/),
      });
    // `..` would be resolved by the client, and name a group by another path.
    for (const group of ['dba', '/payments/../ops', '/..', '/./dba'])
      expect(keycloakGroup.grant.safeParse({ group }).success).toBe(false);
  }, 60_000);

  test('every member is listed, however many there are', async () => {
    const listed = await realm().members((await realm().findGroup('/many')) ?? '');
    expect(listed.toSorted()).toEqual(MANY.toSorted());
  }, 60_000);

  test('a token that Keycloak has withdrawn before its time is replaced', async () => {
    const one = realm();
    expect(await one.findGroup('/payments/dba')).toEqual(expect.any(String));
    const notBefore = Math.ceil(Date.now() / 1_000);
    await sleep(notBefore * 1_000 + 100 - Date.now());
    await keycloak.admin('PUT', REALM, { notBefore });
    expect(await one.findGroup('/payments/dba')).toEqual(expect.any(String));
  }, 60_000);

  test('a membership that is gone with its group is gone; one of a group that is not there cannot be made', async () => {
    const [nowhere, jonas] = ['00000000-0000-4000-8000-000000000000', await user('jonas')];
    await realm().remove(nowhere, jonas);
    await expect(realm().add(nowhere, jonas)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^Keycloak refused: 404/),
    });
  }, 60_000);

  test('a wrong secret and a missing right are permanent, in the words of Keycloak, without the secret', async () => {
    const access = { account: 'jonas', grant: GRANT, grantName: GRANT.group };
    await expect(target({ ...LOGIN, clientSecret: 'not-this-one' }).give(access)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^Keycloak refused: 401 (?!.*not-this-one)/),
    });
    await expect(target({ ...LOGIN, clientId: 'weak' }).give(access)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^Keycloak refused: 403/),
    });
    const check = (url = proxy.url) =>
      keycloakGroup.check(
        { url, ...LOGIN },
        { grants: [GRANT, { group: '/nothing' }], accounts: ['jonas', 'left', 'nobody'] },
      );
    expect((await check()).map(({ what, ok }) => [what, ok])).toEqual([
      ['reach', true],
      ['grant /payments/dba', true],
      ['grant /nothing', false],
      ['account jonas', true],
      ['account left', false],
      ['account nobody', false],
    ]);
    expect(await check(`http://127.0.0.1:${await freePort()}`)).toEqual([
      { what: 'reach', ok: false, detail: 'Keycloak cannot be reached (ECONNREFUSED)' },
    ]);
  }, 60_000);
});

const MISFITS = {
  'wrong-secret': () => ({
    settings: { clientSecret: WRONG_SECRET },
    says: /Keycloak refused: 401 Invalid client/,
  }),
  'missing-right': () => ({ settings: { clientId: 'weak' }, says: /Keycloak refused: 403/ }),
  'unknown-group': () => ({
    grant: { group: `/no 'such'/Grüppe & "x"` },
    says: /there is no group \/no 'such'\/Grüppe & "x", or the connector may not see it/,
  }),
};

livesOnTarget('keycloak-group', MISFITS, () => ({
  kind: 'keycloak-group',
  settings: { url: proxy.url, ...LOGIN },
  account: 'jonas',
  grant: GRANT,
  works: () => isMember(),
  proxy,
  outage,
  other: {
    account: 'mira',
    give: () => aside('PUT', 'mira'),
    holds: () => isMember('mira'),
    take: () => aside('DELETE', 'mira'),
  },
}));
