import type { Expected } from '../target-check';
import { accountName, accountOf, quoted } from './names';

/** Returns the SQL that gives the connector's login the least that it needs: the roles, to give them on, and the sessions, to end them. */
export function setUpSql({ grants }: Expected, login: string): string {
  const name = accountName(accountOf(login));
  const roles = [...new Set(grants.flatMap(({ role }) => role ?? []))];
  return [
    `CREATE USER IF NOT EXISTS ${name};`,
    `-- ALTER USER ${name} IDENTIFIED BY '…';`,
    `GRANT SELECT ON mysql.roles_mapping TO ${name};`,
    `GRANT SELECT ON mysql.user TO ${name};`,
    `GRANT PROCESS, CONNECTION ADMIN ON *.* TO ${name};`,
    ...roles.map((role) => `GRANT ${quoted(role)} TO ${name} WITH ADMIN OPTION;`),
  ].join('\n');
}
