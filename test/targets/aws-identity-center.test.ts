import { CreateUserCommand, IdentitystoreClient } from '@aws-sdk/client-identitystore';
import {
  CreateAccountAssignmentCommand,
  CreatePermissionSetCommand,
  DeleteAccountAssignmentCommand,
  ListAccountAssignmentsCommand,
  ListInstancesCommand,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import { awsIdentityCenter } from '../../src/connectors/aws-identity-center/definition';
import { PermissionSets } from '../../src/connectors/aws-identity-center/target';
import { authorise, connectorContract } from '../../src/connectors/kit';
import { LeaseBookConnector } from '../../src/connectors/lease-book/connector';
import { startPostgres, type TestPostgres } from '../support/postgres';
import { ChangeProxy } from '../support/targets/change-proxy';
import { livesOnTarget } from '../support/targets/lives';
import { TestMoto } from '../support/targets/moto';

const region = 'eu-central-1';
const ACCOUNT = '111122223333';
const ODD = "o'brien+jürgen@example.com";
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'id-of-the-tests', AWS_SECRET_ACCESS_KEY: 'secret-of-the-tests' };

let moto: TestMoto;
let proxy: ChangeProxy;
let isDown = false;
let postgres: TestPostgres;
let connector: LeaseBookConnector;
let settings: { readonly region: string; readonly instance: string; readonly identityStore: string };
let grant: { readonly account: string; readonly permissionSet: string };
let past: SSOAdminClient;
const users = new Map<string, string>();
beforeAll(async () => {
  [moto, postgres] = await Promise.all([TestMoto.start(), startPostgres()]);
  proxy = await ChangeProxy.start({
    upstream: () => (isDown ? undefined : new URL(moto.url)),
    isChange: ({ headers }) => /(?:Create|Delete)AccountAssignment$/.test(String(headers['x-amz-target'])),
  });
  // Where the SDK looks: the connector has no setting for an emulator.
  Object.assign(process.env, CREDENTIALS, { AWS_ENDPOINT_URL: proxy.url });
  past = new SSOAdminClient({ region, endpoint: moto.url });
  const { Instances } = await past.send(new ListInstancesCommand({}));
  const { InstanceArn: instance = '', IdentityStoreId: identityStore = '' } = Instances?.[0] ?? {};
  settings = { region, instance, identityStore };
  const { PermissionSet } = await past.send(
    new CreatePermissionSetCommand({ InstanceArn: instance, Name: 'PaymentsAdmin' }),
  );
  grant = { account: ACCOUNT, permissionSet: PermissionSet?.PermissionSetArn ?? '' };
  const store = new IdentitystoreClient({ region, endpoint: moto.url });
  for (const name of ['jonas', 'mira', ODD]) {
    const { UserId = '' } = await store.send(
      new CreateUserCommand({
        IdentityStoreId: identityStore,
        UserName: name,
        DisplayName: name,
        Name: { GivenName: name, FamilyName: name },
      }),
    );
    users.set(name, UserId);
  }
  store.destroy();
  connector = new LeaseBookConnector({ name: 'cloud', target: target(), url: postgres.url });
}, 600_000);
afterAll(async () => {
  for (const name of ['AWS_ENDPOINT_URL', ...Object.keys(CREDENTIALS)]) delete process.env[name];
  await connector?.close();
  past?.destroy();
  await proxy?.stop();
  moto?.stop();
  postgres?.stop();
});

const target = () => new PermissionSets(settings);
const proofOf = (id: string, account = 'jonas') => authorise({ id, account, grant });
const assignment = (name = 'jonas') => ({
  ...{ InstanceArn: settings.instance, TargetId: ACCOUNT, TargetType: 'AWS_ACCOUNT' as const },
  PermissionSetArn: grant.permissionSet,
  ...{ PrincipalType: 'USER' as const, PrincipalId: users.get(name) ?? '' },
});
const isAssigned = async (name = 'jonas') => {
  const { AccountAssignments = [] } = await past.send(
    new ListAccountAssignmentsCommand({
      InstanceArn: settings.instance,
      AccountId: ACCOUNT,
      PermissionSetArn: grant.permissionSet,
    }),
  );
  return AccountAssignments.some(({ PrincipalId }) => PrincipalId === users.get(name));
};
const giveAside = async (name = 'jonas') =>
  void (await past.send(new CreateAccountAssignmentCommand(assignment(name))));
const takeAside = async (name = 'jonas') =>
  void (await past.send(new DeleteAccountAssignmentCommand(assignment(name))));
const outage = {
  halt: async () => {
    isDown = true;
  },
  restart: async () => {
    isDown = false;
  },
};

describe('TGT-2, TTA-3, EMG-1, EMG-2, FRI-8 the connector contract: permission sets of AWS (emulated by moto)', () => {
  const subject = () =>
    connectorContract({
      definition: awsIdentityCenter,
      connector: () => connector,
      account: 'jonas',
      get grant() {
        return grant;
      },
      get grantName() {
        return `${grant.permissionSet} on ${ACCOUNT}`;
      },
      get unknown() {
        return [
          { account: 'nobody' },
          { grant: { ...grant, permissionSet: grant.permissionSet.replace(/ps-.*/, 'ps-0000000000000000') } },
        ];
      },
      access: {
        holds: () => isAssigned(),
        giveAside: () => giveAside(),
        takeAside: () => takeAside(),
      },
      breakOff: async (work) => {
        proxy.nextChange = 'is lost';
        await expect(work()).rejects.toThrow('AWS cannot be reached');
      },
      outage,
    });
  // What is granted exists only once moto runs, so each case makes the contract anew.
  grant = { account: ACCOUNT, permissionSet: '' };
  const names = subject().map(({ name }) => name);
  test.each(names)('%s', async (name) => {
    await subject()
      .find((one) => one.name === name)
      ?.run();
  }, 60_000);
});

describe('TGT-1 TGT-4 what AWS alone has', () => {
  test('a change that was carried out unheard is confirmed when it is asked for again, once', async () => {
    proxy.nextChange = 'is done, unheard';
    await expect(connector.provision(await proofOf('unheard-0001'))).rejects.toThrow('cannot be reached');
    expect(await isAssigned()).toBe(true);
    expect(await connector.provision(await proofOf('unheard-0001'))).toMatchObject({ outcome: 'granted' });
    expect(await connector.revoke('unheard-0001', 'revoked')).toMatchObject({ accessRemoved: true });
    expect(await isAssigned()).toBe(false);
  }, 60_000);

  test('odd names are taken as they are', async () => {
    await connector.provision(await proofOf('odd-names-0001', ODD));
    const { leases, drift } = await connector.list('alive');
    expect(leases).toMatchObject([{ account: ODD, present: true }]);
    expect(drift).toEqual([]);
    await connector.revoke('odd-names-0001', 'revoked');
  }, 60_000);

  test('check names what is not there; the catalog refuses what cannot be an account or a permission set', async () => {
    const checks = await awsIdentityCenter.check(settings, {
      grants: [grant, { ...grant, permissionSet: 'arn:aws:sso:::permissionSet/ssoins-0/ps-0' }],
      accounts: ['jonas', 'nobody'],
    });
    expect(checks.map(({ ok }) => ok)).toEqual([true, true, false, true, false]);
    for (const wrong of [{ account: '1' }, { permissionSet: 'Admin' }, {}])
      expect(awsIdentityCenter.grant.safeParse(wrong).success).toBe(false);
    isDown = true;
    const [reach] = await awsIdentityCenter.check(settings, { grants: [], accounts: [] });
    isDown = false;
    expect(reach).toEqual({ what: 'reach', ok: false, detail: 'AWS cannot be reached' });
  }, 60_000);

  test('setup prints a policy for these permission sets and accounts alone', () => {
    const policy = JSON.parse(awsIdentityCenter.setUp({ grants: [grant], accounts: [] }, 'x'));
    expect(policy.Statement[0].Resource).toEqual([
      expect.stringMatching(/:instance\//),
      grant.permissionSet,
      `arn:aws:sso:::account/${ACCOUNT}`,
    ]);
  });
});

const MISFITS = {
  'wrong-store': () => ({
    settings: { identityStore: 'd-0000000000' },
    says: /AWS refused|there is no user/,
  }),
  'unknown-set': () => ({
    grant: { ...grant, permissionSet: grant.permissionSet.replace(/ps-.*/, 'ps-0000000000000000') },
    says: /there is no permission set arn:aws:sso:::\S+\/ps-0000000000000000/,
  }),
};

livesOnTarget('aws-identity-center', MISFITS, () => ({
  kind: 'aws-identity-center',
  settings,
  env: { ...CREDENTIALS, AWS_ENDPOINT_URL: proxy.url },
  account: 'jonas',
  grant,
  address: 'aws-profile:///payments-admin',
  // A sign-in at AWS needs AWS: the emulator has none.
  command: '[ "$AWS_PROFILE" = payments-admin ]',
  works: () => isAssigned(),
  proxy,
  outage,
  other: {
    account: 'mira',
    give: () => giveAside('mira'),
    holds: () => isAssigned('mira'),
    take: () => takeAside('mira'),
  },
}));
