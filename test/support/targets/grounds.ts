import { z } from 'zod';
import type { CatalogGrant, Drift } from '../../../src/connectors/contract';
import { ROLES } from '../../../src/connectors/keycloak-group/set-up';
import { kubernetes } from '../../../src/connectors/kubernetes/definition';
import { WebhookTarget } from '../../../src/connectors/webhook/target';
import { TestKeycloak } from '../keycloak';
import { isModify, LOGIN, PASSWORD, TestLdap } from '../ldap';
import type { TestPostgres } from '../postgres';
import { TestKube } from './kube';
import { isMysqlChange, TestMariadb } from './mariadb';
import { SCIM_TOKEN, TestScim } from './scim';
import { SshHost } from './ssh-host';
import { ExampleService, SECRET } from './webhook-service';

/** A real target with accounts that hold nothing on it, and with things that can be given to them. */
export interface TargetGround {
  /** The server's own port on this machine. */
  readonly port: number;
  /** Settings of a connector that reaches the server by this port. */
  settings(port: number): Readonly<Record<string, string>>;
  grant(name: string): CatalogGrant;
  account(name: string): string;
  /** Tells what changes access. Absent for the COMMIT of a transaction. */
  readonly isChange?: (sent: Buffer) => boolean;
  /** With what a proxy shows itself as the server, so that it can read what is sent. Absent without TLS. */
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer };
  /** Lists who holds something that can be given, past every connector. Absent if the leases lie in the target itself. */
  holders?(): Promise<readonly Drift[]>;
  /** Kills the server without losing anything, and starts it again. Absent if it keeps everything in memory. */
  readonly outage?: { halt(): Promise<void>; restart(): Promise<void> };
  stop(): Promise<void>;
}

/** What a target has to have. */
export interface Names {
  readonly accounts: readonly string[];
  /** Names of roles or groups. */
  readonly grants: readonly string[];
  /** The name of the connector in the catalog. */
  readonly connector: string;
}

type Start = (names: Names, postgres: TestPostgres) => Promise<TargetGround>;
const portOf = (url: string): number => Number(new URL(url).port);

async function postgresql({ accounts, grants }: Names, { url, query }: TestPostgres): Promise<TargetGround> {
  const statements = [
    ...grants.map((one) => `CREATE ROLE ${one} NOLOGIN;`),
    ...accounts.map((one) => `CREATE ROLE ${one} LOGIN;`),
  ];
  await query(statements.join(' '));
  return {
    port: portOf(url),
    settings: (port) => ({ url: url.replace(/:\d+\//, `:${port}/`) }),
    grant: (role) => ({ role }),
    account: (name) => name,
    stop: async () => undefined,
  };
}

const BASE = 'dc=example,dc=com';

async function ldapGroup({ accounts, grants }: Names): Promise<TargetGround> {
  const ldap = await TestLdap.start();
  const dnOf = (uid: string) => `uid=${uid},ou=people,${BASE}`;
  const groupOf = (cn: string) => `cn=${cn},${BASE}`;
  await ldap.asRoot(async (client) => {
    for (const uid of accounts)
      await client.add(dnOf(uid), { objectClass: 'inetOrgPerson', uid, cn: uid, sn: uid });
    for (const cn of grants)
      await client.add(groupOf(cn), { objectClass: 'groupOfNames', cn, member: LOGIN });
  });
  return {
    port: ldap.port,
    settings: (port) => ({
      ...{ url: `ldap://127.0.0.1:${port}`, bindDn: LOGIN, password: PASSWORD, tls: 'none' },
    }),
    grant: (name) => ({ group: groupOf(name) }),
    account: dnOf,
    isChange: isModify,
    holders: () =>
      ldap.asRoot(async (client) => {
        const { searchEntries } = await client.search(BASE, { filter: '(objectClass=groupOfNames)' });
        return searchEntries.flatMap(({ dn, member = [] }) =>
          [member]
            .flat()
            .map(String)
            .filter((account) => account !== LOGIN)
            .map((account) => ({ account, grant: dn })),
        );
      }),
    outage: { halt: () => ldap.halt(), restart: () => ldap.restart() },
    stop: () => ldap.stop(),
  };
}

async function mysql({ accounts, grants }: Names): Promise<TargetGround> {
  const mariadb = await TestMariadb.start();
  const statements = [
    // MariaDB makes the creator of a role its member, which would be drift of somebody else.
    ...grants.map((one) => `CREATE ROLE ${one};`),
    ...accounts.map((one) => `CREATE USER ${one};`),
  ];
  await mariadb.query(statements.join(' '));
  return {
    port: mariadb.port,
    settings: (port) => ({ url: `mysql://root:@127.0.0.1:${port}` }),
    grant: (role) => ({ role }),
    account: (name) => name,
    isChange: isMysqlChange,
    holders: async () => {
      const rows = await mariadb.query("SELECT User, Role FROM mysql.roles_mapping WHERE User <> 'root'");
      return rows.map(({ User, Role }) => ({ account: String(User), grant: String(Role) }));
    },
    outage: { halt: () => mariadb.halt(), restart: () => mariadb.restart() },
    stop: () => mariadb.stop(),
  };
}

async function webhook({ accounts, grants }: Names): Promise<TargetGround> {
  const service = await ExampleService.start('typescript', accounts, grants);
  const past = new WebhookTarget({ url: service.url, secret: SECRET });
  const grant = (group: string) => ({ group });
  return {
    port: service.port,
    settings: (port) => ({ url: `http://127.0.0.1:${port}/`, secret: SECRET }),
    grant,
    account: (name) => name,
    isChange: (sent) => /"type":"access\.(give|take)"/.test(sent.toString('latin1')),
    holders: () => past.holders(grants.map(grant)),
    stop: async () => service.stop(),
  };
}

async function scimGroup({ accounts, grants }: Names): Promise<TargetGround> {
  const scim = await TestScim.start(accounts, grants);
  return {
    port: scim.port,
    settings: (port) => ({ url: `http://127.0.0.1:${port}/scim/v2`, token: SCIM_TOKEN }),
    grant: (group) => ({ group }),
    account: (name) => name,
    isChange: (sent) => sent.toString('latin1').startsWith('PATCH '),
    holders: async () => {
      const held: Drift[] = [];
      for (const grant of grants) {
        const id = await scim.past.findGroup(grant);
        const members = id === undefined ? [] : await scim.past.members(id);
        held.push(...members.map((account) => ({ account, grant })));
      }
      return held;
    },
    stop: () => scim.stop(),
  };
}

async function sshCertificate({ grants, connector }: Names, { url }: TestPostgres): Promise<TargetGround> {
  const host = await SshHost.start(grants, url, connector);
  return {
    port: portOf(url),
    settings: () => ({}),
    grant: (principals) => ({ principals }),
    account: (name) => name,
    holders: () => host.holders(),
    stop: () => host.stop(),
  };
}

const bindingList = z.object({
  items: z.array(
    z.object({
      roleRef: z.object({ name: z.string() }),
      subjects: z.array(z.object({ name: z.string() })).default([]),
    }),
  ),
});

async function kubernetesRoles({ grants }: Names): Promise<TargetGround> {
  const kube = await TestKube.start();
  const namespace = 'payments';
  const inPayments = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  await kube.make('/api/v1/namespaces', { metadata: { name: namespace } });
  for (const name of grants)
    await kube.make(`${inPayments}/roles`, {
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    });
  const grant = (role: string) => ({ namespace, role });
  await kube.apply(kubernetes.setUp({ grants: grants.map(grant), accounts: [] }, 'countersign_target'));
  const token = await kube.tokenOf('countersign', 'countersign-target');
  return {
    port: kube.port,
    settings: (port) => ({ kubeconfig: kube.kubeconfig('target', token, `https://127.0.0.1:${port}`) }),
    grant,
    account: (name) => name,
    isChange: (sent) => /^(?:POST|DELETE) \S+bindings[/? ]/.test(sent.toString('latin1')),
    tls: kube.tls,
    holders: async () => {
      const { status, body } = await kube.ask('admin', 'GET', `${inPayments}/rolebindings`);
      if (status !== 200) throw new Error(`the cluster does not list its bindings: ${status}`);
      return bindingList
        .parse(JSON.parse(body))
        .items.flatMap(({ roleRef, subjects }) =>
          grants.includes(roleRef.name)
            ? subjects.map(({ name }) => ({ account: name, grant: `Role ${roleRef.name} in ${namespace}` }))
            : [],
        );
    },
    outage: { halt: () => kube.halt(), restart: () => kube.restart() },
    stop: () => kube.stop(),
  };
}

const groupList = z.array(z.object({ id: z.string(), path: z.string() }));
const memberList = z.array(z.object({ username: z.string() }));

async function keycloakGroup({ accounts, grants }: Names): Promise<TargetGround> {
  const keycloak = await TestKeycloak.start();
  const [realm, clientId, clientSecret] = ['company', 'countersign', 'secret-of-the-client'];
  await keycloak.makeRealm({
    realm,
    clients: [
      {
        ...{ clientId, secret: clientSecret, serviceAccountsEnabled: true },
        ...{ publicClient: false, standardFlowEnabled: false },
      },
    ],
    groups: grants.map((name) => ({ name })),
    users: [
      ...accounts.map((username) => ({ username, enabled: true })),
      {
        username: `service-account-${clientId}`,
        enabled: true,
        serviceAccountClientId: clientId,
        clientRoles: { 'realm-management': [...ROLES] },
      },
    ],
  });
  const base = `/admin/realms/${realm}/groups`;
  const groups = groupList.parse(await keycloak.admin('GET', base));
  return {
    port: portOf(keycloak.url),
    settings: (port) => ({ url: `http://127.0.0.1:${port}`, realm, clientId, clientSecret }),
    grant: (name) => ({ group: `/${name}` }),
    account: (name) => name,
    isChange: (sent) => /^(?:PUT|DELETE) \S+\/groups\//.test(sent.toString('latin1')),
    holders: async () => {
      const held: Drift[] = [];
      for (const { id, path: grant } of groups) {
        const members = memberList.parse(await keycloak.admin('GET', `${base}/${id}/members?max=1000`));
        held.push(...members.map(({ username: account }) => ({ account, grant })));
      }
      return held;
    },
    stop: () => keycloak.stop(),
  };
}

/** How the target of each kind is started. */
export const GROUNDS = {
  postgresql,
  'ssh-certificate': sshCertificate,
  'ldap-group': ldapGroup,
  mysql,
  webhook,
  'scim-group': scimGroup,
  kubernetes: kubernetesRoles,
  'keycloak-group': keycloakGroup,
} satisfies Readonly<Record<string, Start>>;

export type GroundKind = keyof typeof GROUNDS;
export const GROUND_KINDS = Object.keys(GROUNDS) as readonly GroundKind[];

/** @param postgres the server of the leases, which is also the target of `postgresql` */
export const startGround = (
  kind: GroundKind,
  names: Names,
  postgres: TestPostgres,
): Promise<TargetGround> => {
  const start: Start = GROUNDS[kind];
  return start(names, postgres);
};
