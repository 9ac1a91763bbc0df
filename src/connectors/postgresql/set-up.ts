import type { Expected } from '../target-check';

/** The least that the connector's login needs, as SQL for an administrator to read and run in the target's database. */
export function setUpScript({ grants, accounts }: Expected, login: string): string {
  const roles = [...new Set(grants.flatMap((grant) => grant['role'] ?? []))];
  return [
    ...loginAndSchema(login),
    '-- Sessions end with the access.',
    `GRANT pg_signal_backend TO ${identifier(login)};`,
    '-- Granting the roles of the catalog, without having their rights where PostgreSQL can tell the two apart (16 or later).',
    ...(roles.length === 0 ? [] : grantsOf(roles, login)),
    ...[...new Set(accounts)].map(
      (account) =>
        `-- The account ${account.replace(/\s+/g, ' ')} needs LOGIN, INHERIT and CONNECT, and holds none of these roles now.`,
    ),
  ].join('\n');
}

const grantsOf = (roles: readonly string[], login: string): readonly string[] => [
  "DO $roles$ DECLARE kind text := CASE WHEN current_setting('server_version_num')::int >= 160000",
  "  THEN 'ADMIN TRUE, INHERIT FALSE, SET FALSE' ELSE 'ADMIN OPTION' END;",
  'BEGIN',
  ...roles.map(
    (role) => `  EXECUTE ${literal(`GRANT ${identifier(role)} TO ${identifier(login)} WITH `)} || kind;`,
  ),
  'END $roles$;',
];

/** The login of a connector or of the ledger, and the schema that it owns. */
export const loginAndSchema = (login: string): readonly string[] => [
  '-- The login has no rights but these. Set its password, or let pg_hba.conf take a client certificate.',
  'DO $login$ BEGIN',
  `  IF to_regrole(${literal(identifier(login))}) IS NULL THEN CREATE ROLE ${identifier(login)} LOGIN; END IF;`,
  'END $login$;',
  '-- It owns our tables, and makes them itself. It needs no CREATE on the database.',
  `CREATE SCHEMA IF NOT EXISTS countersign;`,
  `ALTER SCHEMA countersign OWNER TO ${identifier(login)};`,
];

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
