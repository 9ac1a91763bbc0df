import { Attribute, Change } from 'ldapts';
import { LOGIN, PASSWORD, READER, TestLdap } from '../support/ldap';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';

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

const holds = (who: string) => ldap.asRoot((client) => client.compare(DBA, 'member', who));
const change = (operation: 'add' | 'delete') =>
  ldap.asRoot((client) =>
    client.modify(
      DBA,
      new Change({ operation, modification: new Attribute({ type: 'member', values: [MIRA] }) }),
    ),
  );

const MISFITS = {
  'wrong-password': () => ({
    settings: { password: WRONG_SECRET },
    says: /the directory refused: InvalidCredentials/,
  }),
  'missing-right': () => ({
    settings: { bindDn: READER },
    says: /the directory refused: InsufficientAccess/,
    checkSays:
      /group cn=dba,dc=example,dc=com: the login may not change its members \(member\); run what connector setup prints/,
  }),
  'unknown-group': () => ({
    grant: { group: `cn=no \\"such\\" gr\u00fcppe\\, 'x'\\+,dc=example,dc=com` },
    says: /there is no group cn=no \\"such\\" grüppe\\, 'x'\\\+,dc=example,dc=com, or the connector's login may not see it/,
    checkSays: /group cn=no \\"such\\" grüppe\\, 'x'\\\+,dc=example,dc=com: is not there/,
  }),
};

// What the connector does on the directory is in test/integration/connectors/ldap-group.test.ts.
livesOnTarget('ldap-group', MISFITS, () => ({
  kind: 'ldap-group',
  settings: { url: ldap.url, bindDn: LOGIN, password: PASSWORD, tls: 'none' },
  account: JONAS,
  grant: { group: DBA },
  works: () => holds(JONAS),
  proxy: ldap.proxy,
  outage: { halt: () => ldap.halt(), restart: () => ldap.restart() },
  other: {
    account: MIRA,
    give: () => change('add'),
    holds: () => holds(MIRA),
    take: () => change('delete'),
  },
}));
