import { Client, escapeIdentifier } from 'pg';
import { sqlStateOf } from '../database/unavailable';
import { type Result, refused } from '../domain/refusal';

const STATEMENT_WITHIN_MS = 60_000;

/** How a migration ended on the target. */
export type Ran =
  | { readonly outcome: 'succeeded'; readonly rows: readonly number[] }
  | { readonly outcome: 'failed'; readonly sqlState: string }
  | { readonly outcome: 'unknown' };

/**
 * True if the login reaches nothing beyond the catalog's role. It looks at every role that the login can become: other roles,
 * power over roles or files, the store of token uses, and database settings that could mislead the store of token uses's own session.
 */
const REACHES_NO_FURTHER = `
  WITH reach AS (SELECT * FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER'))
  SELECT pg_has_role(session_user, $1::name, 'MEMBER') AND NOT EXISTS (
    SELECT FROM reach
     WHERE rolsuper OR rolcreaterole OR rolname IN ('pg_execute_server_program', 'pg_write_server_files')
        OR (rolname <> session_user AND NOT pg_has_role($1::name, oid, 'MEMBER'))
        OR oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
        OR EXISTS (SELECT FROM pg_namespace n
                    WHERE nspname = 'countersign'
                      AND (nspowner = reach.oid OR has_schema_privilege(reach.oid, n.oid, 'USAGE, CREATE')
                           OR EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relowner = reach.oid)))
  ) AS held`;

/**
 * One connection for one migration, closed after it. Its login has only the rights of the catalog's role, so
 * the text gains nothing by resetting its role.
 */
export class MigrationSession {
  private constructor(
    private readonly client: Client,
    private readonly role: string,
  ) {}

  /** Logs in, and refuses a login that can do more than the role. After a refusal nothing has happened. */
  static async open(url: string, role: string): Promise<Result<MigrationSession>> {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: 4_000,
      query_timeout: STATEMENT_WITHIN_MS + 5_000,
      application_name: 'countersign migration',
    });
    // The connection can break between two queries; the next query reports it.
    client.on('error', () => undefined);
    const session = new MigrationSession(client, role);
    try {
      await client.connect();
      const { rows } = await client.query<{ held: boolean }>(REACHES_NO_FURTHER, [role]);
      if (rows[0]?.held === true) return { ok: true, value: session };
      session.close();
      return refused(
        'TARGET_REFUSED',
        'the login for migrations does not have the catalog’s role, or has more rights than it',
      );
    } catch {
      session.close();
      return refused('NOT_NOW', 'cannot connect to the target as the catalog’s role');
    }
  }

  /** Runs the statements in one transaction, as the role. If one fails, all are rolled back. */
  async run(statements: readonly string[]): Promise<Ran> {
    let committing = false;
    try {
      await this.client.query('BEGIN');
      await this.client.query(`SET LOCAL ROLE ${escapeIdentifier(this.role)}`);
      await this.client.query(`SET LOCAL statement_timeout = ${STATEMENT_WITHIN_MS}`);
      await this.client.query("SET LOCAL lock_timeout = '10s'");
      const begun = await this.#standing();
      const counts: number[] = [];
      for (const text of statements) {
        const { rowCount } = await this.client.query(oneStatement(text));
        counts.push(rowCount ?? 0);
        const now = await this.#standing();
        if (now?.transaction !== begun?.transaction) return { outcome: 'unknown' };
        if (now?.role !== this.role) return await this.#failed('unknown');
      }
      committing = true;
      const { command } = await this.client.query('COMMIT');
      return command === 'COMMIT'
        ? { outcome: 'succeeded', rows: counts }
        : { outcome: 'failed', sqlState: 'unknown' };
    } catch (error) {
      const sqlState = sqlStateOf(error);
      // Before COMMIT was sent, a broken connection rolls everything back. After it, only an error of the database proves that.
      if (committing && (sqlState === undefined || /^(08|57P|40003)/.test(sqlState)))
        return { outcome: 'unknown' };
      return sqlState === undefined ? { outcome: 'failed', sqlState: 'unknown' } : this.#failed(sqlState);
    }
  }

  /** Closes the connection without waiting for the server, which may be gone. */
  close(): void {
    this.client.end().catch(() => undefined);
  }

  async #failed(sqlState: string): Promise<Ran> {
    await this.client.query('ROLLBACK').catch(() => undefined);
    return { outcome: 'failed', sqlState };
  }

  async #standing() {
    const { rows } = await this.client.query<{ role: string; transaction: string }>(
      'SELECT current_user::pg_catalog.text AS role, pg_catalog.txid_current()::pg_catalog.text AS transaction',
    );
    return rows[0];
  }
}

/** Uses the extended protocol, which accepts only one statement, so no text can hold two. */
const oneStatement = (text: string): { text: string } => {
  const query = { text, queryMode: 'extended' };
  return query;
};
