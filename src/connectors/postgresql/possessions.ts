import type { PoolClient } from 'pg';

/** Something on the target that belongs to an account or a role, or that one of them gave to somebody else. */
export interface Possession {
  /** Tells it from all others, and from itself after a change. */
  readonly key: string;
  /** What it is, in PostgreSQL's own words. Holders choose names, so print it as foreign text. */
  readonly what: string;
}

/** Objects of the current database that can carry grants: their catalog, and the column that has them. */
const GRANTABLE = [
  ['pg_class', 'relacl'],
  ['pg_proc', 'proacl'],
  ['pg_namespace', 'nspacl'],
  ['pg_type', 'typacl'],
  ['pg_database', 'datacl'],
  ['pg_language', 'lanacl'],
  ['pg_foreign_data_wrapper', 'fdwacl'],
  ['pg_foreign_server', 'srvacl'],
  ['pg_largeobject_metadata', 'lomacl'],
  ['pg_tablespace', 'spcacl'],
].map(
  ([catalog, acl]) =>
    `SELECT '${catalog}'::regclass::oid, oid, 0, ${acl} FROM ${catalog} WHERE ${acl} IS NOT NULL`,
);

/**
 * Everything that an account and a role own, have given to others, or have set up to run later. `pg_shdepend` knows the owners
 * in all databases of the server; what is in another database has no description here.
 */
const POSSESSIONS = `
  WITH who AS MATERIALIZED (SELECT oid, rolname FROM pg_roles WHERE rolname = ANY ($1)),
  here AS MATERIALIZED (SELECT oid FROM pg_database WHERE datname = current_database()),
  acls (classid, objid, objsubid, acl) AS (
    ${GRANTABLE.join('\n    UNION ALL ')}
    UNION ALL SELECT 'pg_class'::regclass::oid, attrelid, attnum, attacl FROM pg_attribute WHERE attacl IS NOT NULL
  ),
  grantee AS (SELECT oid, quote_ident(rolname) AS name FROM pg_roles UNION ALL SELECT 0, 'everybody'),
  found (what, version) AS (
    SELECT CASE WHEN p.prosecdef THEN 'a function that runs with the rights of ' ELSE 'owned by ' END
             || quote_ident(who.rolname) || ': '
             || CASE WHEN d.dbid IN (0, (SELECT oid FROM here))
                     THEN coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), 'something')
                     ELSE d.classid::regclass || ' ' || d.objid || ' in the database '
                            || coalesce((SELECT quote_ident(datname) FROM pg_database WHERE oid = d.dbid), '?') END,
           CASE WHEN p.oid IS NOT NULL THEN md5(concat_ws(' ', p.prosrc, p.probin, p.prosecdef, p.proconfig))
                WHEN c.relkind IN ('v', 'm') THEN md5(pg_get_viewdef(c.oid))
                WHEN c.relrowsecurity OR c.relforcerowsecurity THEN concat_ws(' ', c.relrowsecurity, c.relforcerowsecurity)
                ELSE md5('') END
      FROM pg_shdepend d
      JOIN who ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = who.oid
      LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid AND d.dbid = (SELECT oid FROM here)
      LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND d.dbid = (SELECT oid FROM here)
     WHERE d.deptype = 'o' AND c.relpersistence IS DISTINCT FROM 't'
       AND d.classid NOT IN ('pg_default_acl'::regclass)
    UNION ALL
    SELECT 'granted by ' || quote_ident(who.rolname) || ' to ' || grantee.name || ': ' || x.privilege_type
             || CASE WHEN x.is_grantable THEN ' (and may pass it on)' ELSE '' END || ' on '
             || coalesce(pg_describe_object(a.classid, a.objid, a.objsubid), 'something'), ''
      FROM acls a CROSS JOIN LATERAL aclexplode(a.acl) x
      JOIN who ON who.oid = x.grantor LEFT JOIN grantee ON grantee.oid = x.grantee
     WHERE x.grantee NOT IN (SELECT oid FROM who)
    UNION ALL
    SELECT 'default privileges of ' || quote_ident(who.rolname) || ' for ' || coalesce(grantee.name, '?') || ': '
             || x.privilege_type || ' on what it makes of kind "' || a.defaclobjtype::text || '"', ''
      FROM pg_default_acl a JOIN who ON who.oid = a.defaclrole CROSS JOIN LATERAL aclexplode(a.defaclacl) x
      LEFT JOIN grantee ON grantee.oid = x.grantee
     WHERE x.grantee NOT IN (SELECT oid FROM who)
    UNION ALL
    SELECT pg_describe_object('pg_trigger'::regclass, t.oid, 0), t.tgfoid || ' ' || t.tgtype || ' ' || t.tgenabled::text
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
     WHERE NOT t.tgisinternal
       AND EXISTS (SELECT 1 FROM who WHERE c.relowner = who.oid OR has_table_privilege(who.oid, c.oid, 'TRIGGER'))
    UNION ALL
    SELECT pg_describe_object('pg_rewrite'::regclass, r.oid, 0), md5(pg_get_ruledef(r.oid))
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN who ON who.oid = c.relowner
     WHERE r.rulename <> '_RETURN'
    UNION ALL
    SELECT pg_describe_object('pg_policy'::regclass, p.oid, 0),
           md5(concat_ws(' ', p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck))
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN who ON who.oid = c.relowner
    UNION ALL
    SELECT 'membership of ' || quote_ident(m.rolname) || ' in ' || quote_ident(r.rolname) || ', granted by '
             || quote_ident(who.rolname), ''
      FROM pg_auth_members am JOIN who ON who.oid = am.grantor
      JOIN pg_roles m ON m.oid = am.member JOIN pg_roles r ON r.oid = am.roleid
    UNION ALL
    SELECT 'a setting of ' || quote_ident(who.rolname) || ': ' || setting, ''
      FROM pg_db_role_setting s JOIN who ON who.oid = s.setrole CROSS JOIN LATERAL unnest(s.setconfig) setting
  )
  SELECT DISTINCT md5(what || ' ' || version) AS key, left(what, 300) AS what FROM found
   WHERE what IS NOT NULL ORDER BY 2, 1`;

/** Lists the possessions of accounts and roles, in the transaction of the client. */
export async function possessionsOf(
  client: PoolClient,
  owners: readonly string[],
): Promise<readonly Possession[]> {
  const { rows } = await client.query<Possession>(POSSESSIONS, [owners]);
  return rows;
}

/** Names the roles that a holder of a role can act as: the role, and those that it is a member of. */
export async function reachedBy(client: PoolClient, role: string): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT above.rolname AS name FROM pg_roles above JOIN pg_roles granted ON granted.rolname = $1
      WHERE pg_has_role(granted.oid, above.oid, 'MEMBER') ORDER BY 1`,
    [role],
  );
  return rows.map(({ name }) => name);
}

/** A prepared transaction: it holds its rights and locks, and can be committed by its owner at any later time. */
export interface PreparedTransaction {
  readonly gid: string;
  readonly owner: string;
  readonly database: string;
  readonly isHere: boolean;
}

/** Lists the prepared transactions of an account and a role, in all databases of the server. */
export async function preparedBy(
  client: PoolClient,
  owners: readonly string[],
): Promise<readonly PreparedTransaction[]> {
  const { rows } = await client.query<PreparedTransaction>(
    `SELECT gid, owner::text AS owner, database::text AS database, database = current_database() AS "isHere"
       FROM pg_prepared_xacts WHERE owner = ANY ($1) ORDER BY prepared, gid LIMIT 100`,
    [owners],
  );
  return rows;
}
