import { escapeIdentifier, type PoolClient } from 'pg';

/** Predefined roles that can bypass the database's rules, or reach the connector's own records and sessions. */
const NEVER_GRANTED = [
  'pg_execute_server_program',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_write_all_data',
  'pg_maintain',
  'pg_signal_backend',
];

/** Returns why the target has no such account, or undefined if it has. */
export async function refuseUnknownAccount(client: PoolClient, account: string): Promise<string | undefined> {
  const { rows } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [account]);
  return rows.length > 0 ? undefined : `the target has no account ${account}`;
}

/**
 * Returns why nobody must get a role, or undefined if they may. Whatever the catalog says, a role is never granted if
 * it can bypass the database's own rules or change our records, or if it is a member of a role that can.
 */
export async function refuseUnsafeRole(client: PoolClient, role: string): Promise<string | undefined> {
  const { rows } = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
  if (rows.length === 0) return `the target has no role ${role}`;
  const { rows: mighty } = await client.query<{ rolname: string }>(
    `SELECT above.rolname
       FROM pg_roles above, pg_roles granted
      WHERE granted.rolname = $1 AND pg_has_role(granted.oid, above.oid, 'MEMBER')
        AND (above.rolsuper OR above.rolcreaterole OR above.rolbypassrls OR above.rolreplication
             OR above.rolname = ANY ($2) OR above.rolname = current_user
             OR above.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
             OR has_table_privilege(above.oid, to_regclass('countersign.lease')::oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
      ORDER BY above.rolname <> $1 LIMIT 1`,
    [role, NEVER_GRANTED],
  );
  const [above] = mighty;
  if (above === undefined) return (await refuseGrantingRole(client, role)) ?? refuseSettingRole(client, role);
  return above.rolname === role
    ? `the role ${role} stands above the database's own rules and is never granted`
    : `the role ${role} reaches ${above.rolname}, which stands above the database's own rules, and is never granted`;
}

/** Returns why nobody must get a role by which its holder could make memberships that outlive the lease. */
async function refuseGrantingRole(client: PoolClient, role: string): Promise<string | undefined> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT given.rolname FROM pg_auth_members m JOIN pg_roles given ON given.oid = m.roleid
       JOIN pg_roles granted ON granted.rolname = $1
      WHERE m.admin_option AND pg_has_role(granted.oid, m.member, 'MEMBER') ORDER BY 1 LIMIT 1`,
    [role],
  );
  const [given] = rows;
  return given === undefined
    ? undefined
    : `the role ${role} may grant ${given.rolname} to others, past every lease, and is never granted; take its ADMIN OPTION away`;
}

/** Returns why nobody must get a role by which its holder could change how the server runs, for everybody and for good. */
async function refuseSettingRole(client: PoolClient, role: string): Promise<string | undefined> {
  // The catalog of these rights is there since PostgreSQL 15.
  const { rows: catalogs } = await client.query("SELECT 1 WHERE to_regclass('pg_parameter_acl') IS NOT NULL");
  if (catalogs.length === 0) return undefined;
  const { rows } = await client.query<{ name: string }>(
    `SELECT p.parname AS name FROM pg_parameter_acl p CROSS JOIN LATERAL aclexplode(p.paracl) x
       JOIN pg_roles granted ON granted.rolname = $1
      WHERE x.privilege_type = 'ALTER SYSTEM'
        AND (x.grantee = 0 OR pg_has_role(granted.oid, x.grantee, 'MEMBER')) ORDER BY 1 LIMIT 1`,
    [role],
  );
  const [first] = rows;
  return (
    first && `the role ${role} may change the server's setting ${first.name} for good, and is never granted`
  );
}

/**
 * Returns who already granted the role to the account, past every lease, or undefined if nobody did. The end of a lease takes
 * the role away, so a lease must not begin on a membership that it did not make.
 */
export async function standingMembership(
  client: PoolClient,
  account: string,
  role: string,
): Promise<string | undefined> {
  const grantors = await grantorsOf(client, account, role);
  if (grantors.length === 0) return undefined;
  const by = grantors.filter((grantor) => grantor !== '').join(', ') || 'somebody';
  return `the account ${account} already holds ${role} without a lease, granted by ${by}; nothing was changed: use it as it is, or have it revoked and ask again`;
}

interface Usability {
  readonly can_login: boolean;
  readonly has_room: boolean;
  readonly is_valid: boolean;
  readonly valid_until: string;
  readonly can_connect: boolean;
  readonly inherits: boolean;
  readonly database: string;
}

/**
 * Returns why an account could not use a role, with the statement that would change it, or undefined if it can. Access that
 * does not work must not be called granted.
 *
 * @param role a role that the account holds already, which may let it connect; absent if no role was granted yet
 */
export async function refuseUnusableAccount(
  client: PoolClient,
  account: string,
  role?: string,
): Promise<string | undefined> {
  const { rows } = await client.query<Usability>(
    `SELECT a.rolcanlogin AS can_login, a.rolconnlimit <> 0 AS has_room,
            coalesce(a.rolvaliduntil > now(), true) AS is_valid, a.rolvaliduntil::text AS valid_until,
            has_database_privilege(a.oid, current_database(), 'CONNECT') AS can_connect,
            coalesce(pg_has_role(a.oid, r.oid, 'USAGE'), a.rolinherit) AS inherits, current_database() AS database
       FROM pg_roles a LEFT JOIN pg_roles r ON r.rolname = $2 WHERE a.rolname = $1`,
    [account, role ?? null],
  );
  const [found] = rows;
  if (found === undefined) return `the target has no account ${account}`;
  const quoted = escapeIdentifier(account);
  const of = role === undefined ? 'what it is granted' : role;
  if (!found.can_login)
    return `the account ${account} cannot log in (NOLOGIN), so it could not use ${of}; ALTER ROLE ${quoted} LOGIN`;
  if (!found.has_room)
    return `the account ${account} may open no connection (CONNECTION LIMIT 0), so it could not use ${of}`;
  if (!found.is_valid)
    return `the password of the account ${account} was valid until ${found.valid_until}, so it could not use ${of}; ALTER ROLE ${quoted} VALID UNTIL '…'`;
  if (!found.can_connect)
    return `the account ${account} may not connect to the database ${found.database}; GRANT CONNECT ON DATABASE ${escapeIdentifier(found.database)} TO ${quoted}`;
  if (!found.inherits)
    return `the account ${account} would not have the rights of ${of} (NOINHERIT); ALTER ROLE ${quoted} INHERIT`;
  return undefined;
}

interface Taken {
  /** False if a membership is left that we may not revoke: since PostgreSQL 16 there is one for each grantor. */
  readonly isGone: boolean;
  /** What others had given beside the lease, and that went with it, one phrase each. */
  readonly ofOthers: readonly string[];
}

/** Revokes a role from an account, whoever granted it, and also what the account passed on. Returns what was lost with it. */
export async function takeAway(client: PoolClient, account: string, role: string): Promise<Taken> {
  // Check first: if the role or the account was dropped, its memberships went with it, and REVOKE would fail.
  if ((await grantorsOf(client, account, role)).length === 0) return { isGone: true, ofOthers: [] };
  const before = await givenByOthers(client, role);
  const revoke = `REVOKE ${escapeIdentifier(role)} FROM ${escapeIdentifier(account)}`;
  await client.query(`${revoke} CASCADE`);
  for (const grantor of await grantorsOf(client, account, role))
    await inPart(client, `${revoke} GRANTED BY ${escapeIdentifier(grantor)} CASCADE`);
  const left = new Set(await givenByOthers(client, role));
  return {
    isGone: (await grantorsOf(client, account, role)).length === 0,
    ofOthers: before.filter((one) => !left.has(one)),
  };
}

/**
 * Lists the memberships in a role that the connector's own grants did not make. What a superuser grants is recorded under the
 * first superuser, and a plain GRANT of what is held already leaves no trace on PostgreSQL 15, so neither can be told apart.
 */
async function givenByOthers(client: PoolClient, role: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT format('%s in %s%s, granted by %s', a.rolname, r.rolname,
                   CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END, coalesce(g.rolname, 'somebody')) AS what
       FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles a ON a.oid = m.member
       LEFT JOIN pg_roles g ON g.oid = m.grantor JOIN pg_roles me ON me.rolname = current_user
      WHERE r.rolname = $1
        AND (m.admin_option OR NOT (m.grantor = me.oid OR (me.rolsuper AND m.grantor = 10)
             OR (NOT me.rolsuper AND pg_has_role(me.oid, m.grantor, 'MEMBER'))))
      ORDER BY 1`,
    [role],
  );
  return rows.map(({ what }) => what);
}

/** Lists who granted the role directly. Membership through other roles is not our business. */
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

/** Runs a statement whose failure does not fail the transaction. */
async function inPart(client: PoolClient, statement: string): Promise<void> {
  await client.query('SAVEPOINT part');
  await client.query(statement).then(
    () => client.query('RELEASE SAVEPOINT part'),
    () => client.query('ROLLBACK TO SAVEPOINT part'),
  );
}
