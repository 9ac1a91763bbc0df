import type { PoolClient } from 'pg';
import { withMarks } from '../../domain/characters';
import type { CatalogGrant } from '../contract';

/**
 * What a holder of a role can do that outlives the lease, so that its end would not be the end. A role with one of these is
 * granted only if the catalog accepts it by this name.
 */
export const LEAVINGS = [
  'owns',
  'creates',
  'grants',
  'triggers',
  'logs-in',
  'schedules',
  'prepares',
] as const;
export type Leaving = (typeof LEAVINGS)[number];

interface Found {
  readonly owned: string;
  readonly may_make_schemas: boolean;
  readonly schemas: readonly string[];
  readonly grantable: readonly string[];
  readonly triggers: readonly string[];
  readonly logins: readonly string[];
  readonly schedules: boolean;
  readonly prepares: boolean;
}

const MOST_NAMED = 3;

/**
 * Looks at the role and at every role that its holder reaches by `SET ROLE`. Large objects and default privileges do not count as
 * owned: every role can make them, and they are told at the end.
 */
const FOUND = `
  WITH granted AS (SELECT oid FROM pg_roles WHERE rolname = $1),
  reached AS MATERIALIZED (
    SELECT r.oid, r.rolname, r.rolcanlogin FROM pg_roles r JOIN granted g ON pg_has_role(g.oid, r.oid, 'MEMBER')),
  acl AS MATERIALIZED (
    SELECT c.oid, x.privilege_type, x.is_grantable FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
     WHERE (x.grantee = 0 OR x.grantee IN (SELECT oid FROM reached)) AND c.relowner NOT IN (SELECT oid FROM reached))
  SELECT (SELECT count(*) FROM pg_shdepend d JOIN reached r ON d.refobjid = r.oid
           WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o'
             AND d.classid NOT IN ('pg_largeobject'::regclass, 'pg_largeobject_metadata'::regclass,
                                   'pg_default_acl'::regclass, 'pg_user_mapping'::regclass)) AS owned,
         EXISTS (SELECT 1 FROM reached r WHERE has_database_privilege(r.oid, current_database(), 'CREATE')) AS may_make_schemas,
         ARRAY(SELECT n.nspname::text FROM pg_namespace n
                WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                  AND EXISTS (SELECT 1 FROM reached r WHERE has_schema_privilege(r.oid, n.oid, 'CREATE'))
                ORDER BY 1 LIMIT 100) AS schemas,
         ARRAY(SELECT DISTINCT oid::regclass::text FROM acl WHERE is_grantable ORDER BY 1 LIMIT 100) AS grantable,
         ARRAY(SELECT DISTINCT oid::regclass::text FROM acl WHERE privilege_type = 'TRIGGER' ORDER BY 1 LIMIT 100) AS triggers,
         ARRAY(SELECT rolname::text FROM reached WHERE rolcanlogin ORDER BY 1 LIMIT 100) AS logins,
         EXISTS (SELECT 1 FROM reached r JOIN pg_namespace n ON n.nspname = 'cron'
                  WHERE to_regclass('cron.job') IS NOT NULL AND has_schema_privilege(r.oid, n.oid, 'USAGE')) AS schedules,
         current_setting('max_prepared_transactions')::int > 0 AND EXISTS (
           SELECT 1 FROM pg_roles me, pg_roles other
            WHERE me.rolname = current_user AND NOT me.rolsuper
              AND (other.rolname = ANY ($2) OR other.oid IN (SELECT oid FROM reached))
              AND NOT CASE WHEN current_setting('server_version_num')::int < 160000
                           THEN pg_has_role(me.oid, other.oid, 'MEMBER')
                           ELSE pg_has_role(me.oid, other.oid, 'SET') END) AS prepares
    FROM granted`;

const SAID: Readonly<Record<Leaving, (found: Found) => string | undefined>> = {
  owns: ({ owned }) =>
    Number(owned) > 0 ? `it owns ${owned} ${Number(owned) === 1 ? 'thing' : 'things'}` : undefined,
  creates: ({ may_make_schemas: anywhere, schemas }) =>
    anywhere || schemas.length > 0
      ? `it may create in ${named([...(anywhere ? ['the database'] : []), ...schemas])}`
      : undefined,
  grants: ({ grantable }) =>
    grantable.length > 0 ? `it may grant on ${named(grantable)} to others` : undefined,
  triggers: ({ triggers }) => (triggers.length > 0 ? `it may put triggers on ${named(triggers)}` : undefined),
  'logs-in': ({ logins }) =>
    logins.length > 0 ? `its holder may set the password of ${named(logins)}, which can log in` : undefined,
  schedules: ({ schedules }) => (schedules ? 'it may schedule jobs that run later (pg_cron)' : undefined),
  prepares: ({ prepares }) =>
    prepares ? 'it may prepare transactions that the connector may not roll back' : undefined,
};

/**
 * Returns what holders of a role can leave behind, in the words of the target.
 *
 * @param accounts accounts that can hold it
 */
async function leavingsOf(
  client: PoolClient,
  role: string,
  accounts: readonly string[],
): Promise<ReadonlyMap<Leaving, string>> {
  const { rows } = await client.query<Found>(FOUND, [role, accounts]);
  const [found] = rows;
  const said = LEAVINGS.flatMap((kind): [Leaving, string][] => {
    const words = found && SAID[kind](found);
    return words === undefined ? [] : [[kind, withMarks(words)]];
  });
  return new Map(said);
}

/** Reads what a catalog accepts. Who creates also owns. */
export function acceptedBy({ accepts = '' }: CatalogGrant): ReadonlySet<string> {
  const names = accepts.split(/[\s,]+/).filter(Boolean);
  return new Set(names.includes('creates') ? [...names, 'owns'] : names);
}

/**
 * Returns why a role is not granted: its holder could leave behind what outlives the lease, and the catalog does not accept that
 * by name. `told` is what the catalog accepts.
 */
export async function refuseLeavings(
  client: PoolClient,
  grant: CatalogGrant,
  accounts: readonly string[],
): Promise<{ readonly refusal?: string; readonly told?: string }> {
  const role = grant['role'] ?? '';
  const accepted = acceptedBy(grant);
  const found = [...(await leavingsOf(client, role, accounts))];
  const refused = found.filter(([kind]) => !accepted.has(kind));
  if (refused.length === 0) return found.length === 0 ? {} : { told: sayAll(found) };
  const names = refused.map(([kind]) => kind).join(', ');
  return {
    refusal: `a lease of the role ${role} would leave something behind at its end: ${sayAll(refused)}; take that away, or have the catalog accept it by name (grant: accepts: "${names}")`,
  };
}

const sayAll = (found: readonly (readonly [Leaving, string])[]): string =>
  found.map(([, words]) => words).join(', ');

function named(names: readonly string[]): string {
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}
