import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSource } from '../../../src/directory/sources/read-source';
import { type SourceRules, sourceSchema } from '../../../src/directory/sources/sources-file';
import { take } from '../../../src/directory/sources/take';
import { TestKeycloak } from '../../support/keycloak';

const REALM = '/admin/realms/company';
const NOBODY = { names: new Map(), stable: new Map() };
let keycloak: TestKeycloak;
let dir: string;
let written: object;
const user = (username: string, about: object = {}) => ({
  ...{ username, enabled: true, firstName: 'Name of', lastName: username },
  ...{ email: `${username}@example.com`, ...about },
});
beforeAll(async () => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-keycloak-source-'));
  writeFileSync(path.join(dir, 'secret'), 'the-secret-of-the-reader\n');
  keycloak = await TestKeycloak.start();
  await keycloak.makeRealm({
    realm: 'company',
    clients: [
      {
        ...{ clientId: 'reader', secret: 'the-secret-of-the-reader', publicClient: false },
        ...{ serviceAccountsEnabled: true, standardFlowEnabled: false },
      },
    ],
    groups: [
      { name: 'dba', subGroups: [{ name: 'night', subGroups: [{ name: 'weekend' }] }] },
      { name: 'everyone' },
    ],
    users: [
      user('erin', { groups: ['/dba'] }),
      user('finn', { groups: ['/dba/night'] }),
      user('gita', { groups: ['/dba/night/weekend'], enabled: false }),
      user('hugo', { groups: ['/everyone'] }),
      {
        username: 'service-account-reader',
        enabled: true,
        serviceAccountClientId: 'reader',
        clientRoles: { 'realm-management': ['view-users', 'query-groups'] },
      },
    ],
  });
  written = {
    ...{ kind: 'keycloak', url: keycloak.url, realm: 'company', clientId: 'reader' },
    secretFile: path.join(dir, 'secret'),
    people: { accounts: { warehouse: 'username' } },
    groups: { dba: { from: '/dba', most: 9 } },
  };
}, 900_000);
afterAll(async () => {
  await keycloak?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const rulesWith = (about: object = {}): SourceRules => sourceSchema.parse({ ...written, ...about });
const taken = async (rules: SourceRules = rulesWith()) =>
  take('realm', rules, await readSource(rules), NOBODY, 0).snapshot;

describe('DIR-1 people and groups come from Keycloak', () => {
  test('users, accounts, who is disabled, and groups with those below them', async () => {
    const { people, groups } = await taken();
    expect(people.map(({ id, active, accounts }) => [id, active, accounts['warehouse']])).toEqual([
      ['person/erin', true, 'erin'],
      ['person/finn', true, 'finn'],
      ['person/gita', false, 'gita'],
      ['person/hugo', true, 'hugo'],
    ]);
    expect(groups).toEqual({ dba: ['person/erin', 'person/finn', 'person/gita'] });
    expect(people[0]).toMatchObject({ name: 'Name of erin' });
  });

  test('DIR-2 who is disabled or deleted is no longer active, and one made anew is another account', async () => {
    const [before] = (await taken()).people;
    await keycloak.admin('DELETE', `${REALM}/users/${before?.stable}`);
    expect((await taken()).people.map(({ id }) => id)).not.toContain('person/erin');
    await keycloak.admin('POST', `${REALM}/users`, user('erin'));
    const [again] = (await taken()).people;
    expect(again?.id).toBe('person/erin');
    expect(again?.stable).not.toBe(before?.stable);
  });

  test.each([
    [
      'a group that is not there',
      { groups: { dba: { from: '/dbas', most: 9 } } },
      /it has no group "\/dbas"/,
    ],
    ['a secret that is wrong', { secretFile: __filename }, /Keycloak refused: 40[01]/],
    ['an address where nobody is', { url: 'http://127.0.0.1:9' }, /Keycloak cannot be reached/],
  ])('%s refuses the reading, and says so', async (_, about, message) => {
    await expect(taken(rulesWith(about))).rejects.toThrow(message);
  });
});
