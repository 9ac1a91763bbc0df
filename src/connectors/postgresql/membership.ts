import { escapeIdentifier, type PoolClient } from 'pg';

/** Predefined roles that reach past the database's rules, or at the connector's own records and sessions. */
const NEVER_GRANTED = [
  'pg_execute_server_program',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_write_all_data',
  'pg_maintain',
  'pg_signal_backend',
];

/**
 * Why an account is not given a role. Roles that are above the database's own rules, or could touch our records of it, are
 * never granted, whatever the catalog says; nor is one through which they are reached.
 */
export async function refuseUnfit(
  client: PoolClient,
  account: string,
  role: string,
): Promise<string | undefined> {
  const { rows } = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolname IN ($1, $2)',
    [account, role],
  );
  if (!rows.some(({ rolname }) => rolname === role)) return `the target has no role ${role}`;
  const { rows: mighty } = await client.query<{ rolname: string }>(
    `SELECT above.rolname
       FROM pg_roles above, pg_roles granted
      WHERE granted.rolname = $1 AND pg_has_role(granted.oid, above.oid, 'MEMBER')
        AND (above.rolsuper OR above.rolcreaterole OR above.rolbypassrls OR above.rolreplication
             OR above.rolname = ANY ($2) OR above.rolname = current_user
             OR above.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
             OR has_table_privilege(above.oid, 'countersign.lease', 'INSERT, UPDATE, DELETE, TRUNCATE'))
      ORDER BY above.rolname <> $1 LIMIT 1`,
    [role, NEVER_GRANTED],
  );
  const [above] = mighty;
  if (above !== undefined)
    return above.rolname === role
      ? `the role ${role} stands above the database's own rules and is never granted`
      : `the role ${role} reaches ${above.rolname}, which stands above the database's own rules, and is never granted`;
  if (!rows.some(({ rolname }) => rolname === account)) return `the target has no account ${account}`;
  return undefined;
}

/**
 * Takes a role from an account, whoever granted it, and with it what the account passed on. Yields whether it is gone: from
 * PostgreSQL 16 on a membership is kept for each grantor, and not every grantor's is ours to take away.
 */
export async function takeAway(client: PoolClient, account: string, role: string): Promise<boolean> {
  // Looked up first, for a role or account that has been dropped since took its memberships along.
  if ((await grantorsOf(client, account, role)).length === 0) return true;
  const revoke = `REVOKE ${escapeIdentifier(role)} FROM ${escapeIdentifier(account)}`;
  await client.query(`${revoke} CASCADE`);
  for (const grantor of await grantorsOf(client, account, role))
    await inPart(client, `${revoke} GRANTED BY ${escapeIdentifier(grantor)} CASCADE`);
  return (await grantorsOf(client, account, role)).length === 0;
}

/** Who has granted it directly; membership that comes by way of other roles is not ours to judge. */
async function grantorsOf(client: PoolClient, account: string, role: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ grantor: string }>(
    `SELECT coalesce(g.rolname, '') AS grantor
       FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
       LEFT JOIN pg_roles g ON g.oid = m.grantor
      WHERE r.rolname = $1 AND a.rolname = $2`,
    [role, account],
  );
  return rows.map(({ grantor }) => grantor);
}

/** Runs a statement that may fail without the transaction failing. */
async function inPart(client: PoolClient, statement: string): Promise<void> {
  await client.query('SAVEPOINT part');
  await client.query(statement).then(
    () => client.query('RELEASE SAVEPOINT part'),
    () => client.query('ROLLBACK TO SAVEPOINT part'),
  );
}
