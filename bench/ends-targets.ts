import { createConnectors } from '../src/connectors';
import type { CatalogGrant, Connector } from '../src/connectors/contract';
import { addressVariable, settingVariable } from '../src/connectors/settings';
import { LOGIN, PASSWORD, TestLdap } from '../test/support/ldap';
import { startPostgres } from '../test/support/postgres';
import { TestMariadb } from '../test/support/targets/mariadb';
import { SCIM_TOKEN, TestScim } from '../test/support/targets/scim';
import { ExampleService, SECRET } from '../test/support/targets/webhook-service';

/** A real target with a connector, and accounts that hold nothing on it. */
export interface EndsTarget {
  readonly connector: Connector;
  readonly grant: CatalogGrant;
  account(index: number): string;
  stop(): Promise<void>;
}

type Stop = () => Promise<void> | void;
/** What a kind has to have on its target before it can be measured. */
interface Ground {
  readonly settings: Readonly<Record<string, string>>;
  readonly grant: CatalogGrant;
  readonly account?: (index: number) => string;
  readonly stop: Stop;
}

const NAME = 'target';
const accounts = (count: number) => Array.from({ length: count }, (_, index) => `user${index}`);

/** How the target of each kind is started with this many accounts. Its leases lie in the database at `leases`. */
const GROUNDS = {
  postgresql: async (count, { url, query }) => {
    await query(
      `CREATE ROLE reports NOLOGIN; ${accounts(count)
        .map((one) => `CREATE ROLE ${one} LOGIN;`)
        .join(' ')}`,
    );
    return { settings: { url }, grant: { role: 'reports' }, stop: () => undefined };
  },
  'ssh-certificate': async () => ({
    settings: {},
    grant: { principals: 'deploy' },
    stop: () => undefined,
  }),
  'ldap-group': async (count) => {
    const ldap = await TestLdap.start();
    await ldap.asRoot(async (client) => {
      for (const uid of accounts(count))
        await client.add(`uid=${uid},ou=people,dc=example,dc=com`, {
          objectClass: 'inetOrgPerson',
          ...{ uid, cn: uid, sn: uid },
        });
    });
    return {
      settings: { url: ldap.url, bindDn: LOGIN, password: PASSWORD, tls: 'none' },
      grant: { group: 'cn=dba,dc=example,dc=com' },
      account: (index) => `uid=user${index},ou=people,dc=example,dc=com`,
      stop: () => ldap.stop(),
    };
  },
  mysql: async (count) => {
    const mariadb = await TestMariadb.start();
    const users = accounts(count).map((one) => `CREATE USER ${one};`);
    await mariadb.query(`CREATE ROLE reports; ${users.join(' ')}`);
    return { settings: { url: mariadb.url('root') }, grant: { role: 'reports' }, stop: () => mariadb.stop() };
  },
  webhook: async (count) => {
    const service = await ExampleService.start('typescript', accounts(count));
    return {
      settings: { url: service.url, secret: SECRET },
      grant: { group: 'dba' },
      stop: () => service.stop(),
    };
  },
  'scim-group': async (count) => {
    const scim = await TestScim.start(accounts(count), ['dba']);
    return {
      settings: { url: scim.url, token: SCIM_TOKEN },
      grant: { group: 'dba' },
      stop: () => scim.stop(),
    };
  },
} satisfies Readonly<
  Record<string, (count: number, database: Awaited<ReturnType<typeof startPostgres>>) => Promise<Ground>>
>;

export type EndsKind = keyof typeof GROUNDS;
export const ENDS_KINDS = Object.keys(GROUNDS) as readonly EndsKind[];

/** Starts the target of a kind, with a PostgreSQL server of its own for the leases. */
export async function startTarget(kind: EndsKind, count: number): Promise<EndsTarget> {
  const postgres = await startPostgres();
  const start: (count: number, database: typeof postgres) => Promise<Ground> = GROUNDS[kind];
  const ground = await start(count, postgres);
  const settings = Object.entries(ground.settings).map(([name, value]) => [
    name === 'url' ? addressVariable(NAME) : settingVariable(NAME, name),
    value,
  ]);
  const env = { ...Object.fromEntries(settings), COUNTERSIGN_LEASES_URL: postgres.url };
  const connector = (await createConnectors([{ name: NAME, kind }], env)).get(NAME);
  if (connector === undefined) throw new Error(`no connector of the kind ${kind}`);
  return {
    connector,
    grant: ground.grant,
    account: ground.account ?? ((index) => `user${index}`),
    stop: async () => {
      await connector.close();
      await ground.stop();
      postgres.stop();
    },
  };
}
