import { Client, escapeIdentifier } from 'pg';
import { sqlStateOf } from '../connectors/postgresql/database';
import { type Result, refused } from '../domain/refusal';

const STATEMENT_WITHIN_MS = 60_000;

/** How a migration ended on the target. */
export type Ran =
  | { readonly outcome: 'succeeded'; readonly rows: readonly number[] }
  | { readonly outcome: 'failed'; readonly sqlState: string }
  | { readonly outcome: 'unknown' };

/**
 * Everything that a login can become by itself, and what of it reaches further than the catalog's role: other roles,
 * power over roles or files, the ledger, and settings of the database by which the ledger's own session could be led astray.
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
 * One connection for one migration, thrown away after it. It is logged in with no rights but those of the catalog's role, so
 * that the text has nothing to go back to, whatever it does to its role.
 */
export class MigrationSession {
  private constructor(
    private readonly client: Client,
    private readonly role: string,
  ) {}

  /** Logs in, and refuses a login that can do more than the role. Nothing has happened yet where it is refused. */
  static async open(url: string, role: string): Promise<Result<MigrationSession>> {
    const client = new Client({
      connectionString: url,
      connectionTimeoutMillis: 4_000,
      query_timeout: STATEMENT_WITHIN_MS + 5_000,
      application_name: 'countersign migration',
    });
    // It can break between two queries; the next one says so.
    client.on('error', () => undefined);
    const session = new MigrationSession(client, role);
    try {
      await client.connect();
      const { rows } = await client.query<{ held: boolean }>(REACHES_NO_FURTHER, [role]);
      if (rows[0]?.held === true) return { ok: true, value: session };
      session.close();
      return refused(
        'TARGET_REFUSED',
        'the login for migrations is not the catalog’s role, or is more than it',
      );
    } catch {
      session.close();
      return refused('NOT_NOW', 'the target cannot be reached as the catalog’s role');
    }
  }

  /** Runs the statements in one transaction, as the role. Where one fails, none stays. */
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
      // Before COMMIT was sent, a broken connection leaves nothing. After it, only a plain refusal says so.
      if (committing && (sqlState === undefined || /^(08|57P|40003)/.test(sqlState)))
        return { outcome: 'unknown' };
      return sqlState === undefined ? { outcome: 'failed', sqlState: 'unknown' } : this.#failed(sqlState);
    }
  }

  /** Breaks the connection off without waiting for the other side, which may be gone. */
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

/** By the extended protocol, which takes one statement at a time: no text holds two. */
const oneStatement = (text: string): { text: string } => {
  const query = { text, queryMode: 'extended' };
  return query;
};
