import { z } from 'zod';
import { foreignName } from '../../contracts/request';
import { defineConnector } from '../definition';
import { acceptedBy, LEAVINGS } from './role-leavings';
import { setUpScript } from './set-up';

/** PostgreSQL shortens longer names in silence, to what may be the name of somebody else (NAMEDATALEN). */
const LONGEST_NAME_BYTES = 63;

/** The name of a role or an account. PostgreSQL takes any text; the connector quotes it. */
const roleName = foreignName.refine((name) => Buffer.byteLength(name) <= LONGEST_NAME_BYTES, {
  error: ({ input }) =>
    `has ${Buffer.byteLength(String(input))} bytes, and a name in PostgreSQL has ${LONGEST_NAME_BYTES} at most; correct it`,
});

/** What the catalog accepts that a holder can leave behind, by name. */
const acceptedLeavings = z
  .string()
  .refine(
    (text) => [...acceptedBy({ accepts: text })].every((name) => LEAVINGS.some((known) => known === name)),
    { error: `names what a holder may leave behind: some of ${LEAVINGS.join(', ')}, with commas between` },
  );

export const postgresql = defineConnector({
  kind: 'postgresql',
  title: 'membership in a role of a PostgreSQL database',
  gives: 'access',
  settings: z.strictObject({ url: z.string().min(1) }),
  grant: z.strictObject({ role: roleName, accepts: acceptedLeavings.exactOptional() }),
  account: roleName,
  leases: 'in-target',
  // PostgreSQL has an end date for passwords, none for membership. The connector ends the sessions.
  endsByItself: { access: false, sessions: false },
  leavesBehind: [
    'what it makes and owns, and what it grants to others: prevented unless the catalog accepts it; found and told',
    'triggers on the tables of others: prevented unless the catalog accepts them; found and told',
    'large objects, default privileges, settings of the account: found and told',
    'prepared transactions: rolled back where the connector may, else prevented unless accepted, and an alert',
  ],
  controls: [
    {
      name: 'statement-logging',
      title: 'Log of connections and statements (log_statement, pgaudit)',
      safeWay:
        'Ask the database administrators to leave out the one statement that is too much; the log stays.',
    },
    {
      name: 'row-security',
      title: 'Row-level security of the tables',
      safeWay: 'Ask for a role whose policies show the rows that the work needs.',
    },
    {
      name: 'host-rules',
      title: 'Who may connect from where, and how they prove who they are (pg_hba.conf)',
      safeWay: 'Ask the database administrators for a line for the exact account and address.',
    },
  ],
  canHoldLedger: true,
  make: async ({ url }, { log }) => {
    const { PostgresqlConnector } = await import('./connector.js');
    return new PostgresqlConnector({ url, log });
  },
  check: async ({ url }, expected) => (await import('./check.js')).checkTarget(url, expected),
  setUp: setUpScript,
  environment: {
    example: 'postgresql://host:5432/database',
    accepts: ({ protocol }) => /^postgres(?:ql)?:$/.test(protocol),
    replaces: [
      ...['PGHOST', 'PGHOSTADDR', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGPASSWORD', 'PGSERVICE'],
      ...['PGSERVICEFILE', 'DATABASE_URL'],
    ],
    variables: libpqVariables,
  },
});

/** The settings that libpq and its kin read. */
function libpqVariables(address: URL, account: string): Record<string, string> {
  const username = decodeURIComponent(address.username);
  if (username !== '' && username !== account)
    throw new Error(`the target's address is for the account ${username}; access was given to ${account}`);
  const url = new URL(address);
  url.username = encodeURIComponent(account);
  const password = decodeURIComponent(address.password);
  const sslMode = address.searchParams.get('sslmode');
  const host = address.hostname.replace(/^\[|\]$/g, '') || address.searchParams.get('host');
  return {
    ...(host && { PGHOST: host }),
    ...(address.port && { PGPORT: address.port }),
    PGDATABASE: decodeURIComponent(address.pathname.slice(1)) || 'postgres',
    PGUSER: account,
    ...(password && { PGPASSWORD: password }),
    ...(sslMode && { PGSSLMODE: sslMode }),
    DATABASE_URL: url.href,
  };
}
