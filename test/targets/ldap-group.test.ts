import { LOGIN, PASSWORD, TestLdap } from '../support/ldap';
import { livesOnTarget } from '../support/targets/lives';

const JONAS = 'uid=jonas,ou=people,dc=example,dc=com';
const MIRA = 'uid=mira,ou=people,dc=example,dc=com';
const DBA = 'cn=dba,dc=example,dc=com';

let ldap: TestLdap;
beforeAll(async () => {
  ldap = await TestLdap.start();
  await ldap.asRoot((client) =>
    client.add(MIRA, { objectClass: 'inetOrgPerson', uid: 'mira', cn: 'Mira', sn: 'Okafor' }),
  );
}, 300_000);
afterAll(() => ldap?.stop());

const holds = (who: string) => ldap.asRoot((client) => client.compare(DBA, 'member', who).catch(() => false));
// What the connector does on the directory is in test/integration/connectors/ldap-group.test.ts.
livesOnTarget('ldap-group', () => ({
  kind: 'ldap-group',
  settings: { url: ldap.url, bindDn: LOGIN, password: PASSWORD, tls: 'none' },
  account: JONAS,
  grant: { group: DBA },
  works: () => holds(JONAS),
  proxy: ldap.proxy,
}));
