import { Database } from '../database/database';
import type { CatalogGrant } from './contract';

/** One thing that was tried on a target, and what came of it, in the target's own words. */
export interface TargetCheck {
  readonly what: string;
  readonly ok: boolean;
  /** One line without an address or a secret; if not `ok`, with what to do next. */
  readonly detail: string;
}

/** What a bundle expects of a target. */
export interface Expected {
  readonly grants: readonly CatalogGrant[];
  readonly accounts: readonly string[];
}

interface Reach {
  readonly login: string;
  readonly database: string;
  readonly version: string;
  readonly read_only: boolean;
  readonly has_schema: boolean;
  readonly may_make_schema: boolean;
  readonly may_make_tables: boolean | null;
  readonly closed: readonly string[];
}

const REACH = `
  SELECT current_user AS login, current_database() AS database, current_setting('server_version') AS version,
         pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
         to_regnamespace('countersign') IS NOT NULL AS has_schema,
         has_database_privilege(current_database(), 'CREATE') AS may_make_schema,
         has_schema_privilege(to_regnamespace('countersign')::oid, 'CREATE') AS may_make_tables,
         ARRAY(SELECT c.relname::text FROM pg_class c
                WHERE c.relnamespace = to_regnamespace('countersign') AND c.relname = ANY ($1)
                  AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                           AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
                ORDER BY 1) AS closed`;

/**
 * Checks that a database can be reached, and that its login can keep our tables in it. Changes nothing. If the database cannot
 * be reached, that is the only check that comes back.
 *
 * @param tables names of the tables in the schema `countersign` that the login has to read and write
 * @param more further checks on the same connection
 */
export async function checkDatabase(
  url: string,
  tables: readonly string[],
  more: (database: Database, login: string) => Promise<readonly TargetCheck[]> = async () => [],
): Promise<readonly TargetCheck[]> {
  const database = new Database({ url, maxConnections: 1 });
  try {
    const [reach] = await database.query<Reach>(REACH, [[...tables, 'migration', 'lock']]);
    if (reach === undefined) return [];
    const { login, version } = reach;
    const detail = `PostgreSQL ${version}, database ${reach.database}, login ${login}`;
    const answers = reach.read_only
      ? { what: 'reach', ok: false, detail: `${detail}: read-only; give the address of the primary` }
      : { what: 'reach', ok: true, detail };
    return [answers, ourTables(reach), ...(await more(database, login))];
  } catch (error) {
    return [{ what: 'reach', ok: false, detail: error instanceof Error ? error.message : String(error) }];
  } finally {
    await database.close();
  }
}

function ourTables({ login, database, ...reach }: Reach): TargetCheck {
  const what = 'tables';
  const bad = (detail: string) => ({ what, ok: false, detail });
  if (!reach.has_schema && !reach.may_make_schema)
    return bad(
      `there is no schema countersign in ${database}, and ${login} may not create one; run the set-up SQL`,
    );
  if (reach.closed.length > 0)
    return bad(
      `${login} may not read and write countersign.${reach.closed.join(', countersign.')}; it has to own them`,
    );
  if (reach.may_make_tables === false)
    return bad(
      `${login} may not create tables in the schema countersign; ALTER SCHEMA countersign OWNER TO ${login}`,
    );
  return {
    what,
    ok: true,
    detail: reach.has_schema ? 'schema countersign' : 'schema countersign will be created',
  };
}
