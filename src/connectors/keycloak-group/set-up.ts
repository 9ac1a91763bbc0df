import type { Expected } from '../target-check';

/** What Keycloak needs a client to have to change members: `manage-users` is the least of its roles that does. */
export const ROLES = ['manage-users', 'view-users', 'query-users', 'query-groups'] as const;

/** Returns the commands that make the connector's client, and give its service account the roles to change members. */
export function setUpCommands({ grants }: Expected, login: string): string {
  const groups = [...new Set(grants.flatMap(({ group }) => group ?? []))];
  return [
    '# In the realm REALM, signed in with kcadm.sh as its administrator:',
    `kcadm.sh create clients -r REALM -s 'clientId=${login}' -s serviceAccountsEnabled=true -s publicClient=false -s standardFlowEnabled=false -s directAccessGrantsEnabled=false`,
    ...ROLES.map(
      (role) =>
        `kcadm.sh add-roles -r REALM --uusername 'service-account-${login}' --cclientid realm-management --rolename ${role}`,
    ),
    '# manage-users changes members of every group. With fine-grained admin permissions (Keycloak 26.2 and later), give instead the scopes',
    '# view and manage-membership on these groups, and view and manage-group-membership on users:',
    ...groups.map((group) => `#   ${group}`),
  ].join('\n');
}
