import { GroupMembership } from '../../src/connectors/group-membership';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { scimGroup } from '../../src/connectors/scim-group/definition';
import { ScimService } from '../../src/connectors/scim-group/service';
import { freePort } from '../../src/stack/free-port';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { livesOnTarget, WRONG_SECRET } from '../support/targets/lives';
import { READ_TOKEN, SCIM_TOKEN, TestScim } from '../support/targets/scim';

// scimmy does not read a quotation mark inside a filter's string, so none is tried.
const GROUP = 'Database Admins (EU) & Söhne';
const GRANT = { group: GROUP };
const ODD = "o'brien+jürgen@example.com";

let scim: TestScim;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
beforeAll(async () => {
  scim = await TestScim.start(['jonas', 'mira', ODD, 'off:left'], [GROUP, 'ops', 'twice', 'twice']);
  postgres = await startPostgres();
  connector = new LeaseBookConnector({ name: 'directory', target: target(), url: postgres.url });
}, 120_000);
afterAll(async () => {
  await connector?.close();
  await scim?.stop();
  postgres?.stop();
});

const target = (token = SCIM_TOKEN) => new GroupMembership(new ScimService({ url: scim.url, token }));
const proofOf = (id: string, account = 'jonas', grant = GRANT) => authorise({ id, account, grant });

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: groups of a SCIM service', () => {
  const contract = connectorContract({
    definition: scimGroup,
    connector: () => connector,
    account: 'jonas',
    grant: GRANT,
    grantName: GROUP,
    unknown: [{ account: 'nobody' }, { account: 'left' }, { grant: { group: 'nothing' } }],
    access: {
      holds: () => scim.isMember('jonas', GROUP),
      giveAside: () => scim.change('add', 'jonas', GROUP),
      takeAside: () => scim.change('remove', 'jonas', GROUP),
    },
    breakOff: async (work) => {
      scim.proxy.nextChange = 'is lost';
      await expect(work()).rejects.toThrow('the SCIM service cannot be reached');
    },
    outage: {
      halt: async () => scim.goes('down'),
      restart: async () => scim.goes('up'),
    },
  });
  for (const { name, run } of contract) test(name, run, 60_000);
});

describe('TGT-1 TGT-4 what a SCIM service alone has', () => {
  test('a change that was carried out unheard is confirmed when it is asked for again', async () => {
    scim.proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(await proofOf('unheard-0001'))).rejects.toThrow('cannot be reached');
    expect(await connector.provision(await proofOf('unheard-0001'))).toMatchObject({ outcome: 'granted' });
    expect(await connector.revoke('unheard-0001', 'revoked')).toMatchObject({ accessRemoved: true });
  });

  test('other members stay, and odd names are taken as they are', async () => {
    await scim.change('add', 'jonas', 'ops');
    await connector.provision(await proofOf('odd-names-0001', ODD, { group: 'ops' }));
    const { leases, drift } = await connector.list('alive');
    expect(leases).toMatchObject([{ account: ODD, present: true }]);
    expect(drift).toEqual([{ account: 'jonas', grant: 'ops' }]);
    await connector.revoke('odd-names-0001', 'revoked');
    expect([await scim.isMember(ODD, 'ops'), await scim.isMember('jonas', 'ops')]).toEqual([false, true]);
    await scim.change('remove', 'jonas', 'ops');
  });

  test('a name cannot say more in a filter than a name: no other group is found by it', async () => {
    const group = 'nothing" or displayName eq "ops';
    const giving = connector.provision(await proofOf('in-a-filter-01', 'jonas', { group }));
    expect(await giving.then(({ outcome }) => outcome, String)).not.toBe('granted');
    expect(await scim.isMember('jonas', 'ops')).toBe(false);
  });

  test('two groups of one name: neither is taken', async () => {
    await expect(
      connector.provision(await proofOf('twice-00001', 'jonas', { group: 'twice' })),
    ).rejects.toThrow(/several entries with the displayName twice/);
  });

  test('a wrong token is permanent, in the words of the service, without the token', async () => {
    const access = { account: 'jonas', grant: GRANT, grantName: GROUP };
    await expect(target('not-this-one').give(access)).rejects.toMatchObject({
      isPermanent: true,
      message: expect.stringMatching(/^the SCIM service refused: 401 this token is not known$/),
    });
    const checks = await scimGroup.check(
      { url: scim.url, token: SCIM_TOKEN },
      { grants: [GRANT, { group: 'nothing' }], accounts: ['jonas', 'left', 'nobody'] },
    );
    expect(checks.map(({ what, ok }) => [what, ok])).toEqual([
      ['reach', true],
      [`grant ${GROUP}`, true],
      ['grant nothing', false],
      ['account jonas', true],
      ['account left', false],
      ['account nobody', false],
    ]);
    expect(
      await scimGroup.check(
        { url: `http://127.0.0.1:${await freePort()}`, token: 'not-this-one' },
        { grants: [], accounts: [] },
      ),
    ).toEqual([{ what: 'reach', ok: false, detail: 'the SCIM service cannot be reached (ECONNREFUSED)' }]);
  });
});

const MISFITS = {
  'wrong-token': () => ({
    settings: { token: WRONG_SECRET },
    says: /the SCIM service refused: 401 this token is not known/,
  }),
  'missing-right': () => ({
    settings: { token: READ_TOKEN },
    says: /the SCIM service refused: 403 this token may only read/,
    // SCIM has no way to ask what a token may change.
    checkSays: null,
  }),
  'unknown-group': () => ({
    grant: { group: "no 'such' Grüppe & (x)" },
    says: /there is no group no 'such' Grüppe & \(x\), or the connector may not see it/,
  }),
};

livesOnTarget('scim-group', MISFITS, () => ({
  kind: 'scim-group',
  settings: { url: scim.url, token: SCIM_TOKEN },
  account: 'jonas',
  grant: GRANT,
  works: () => scim.isMember('jonas', GROUP),
  proxy: scim.proxy,
  outage: { halt: async () => scim.goes('down'), restart: async () => scim.goes('up') },
  other: {
    account: 'mira',
    give: () => scim.change('add', 'mira', GROUP),
    holds: () => scim.isMember('mira', GROUP),
    take: () => scim.change('remove', 'mira', GROUP),
  },
}));
