import { Pool } from 'pg';
import { AlreadyWritten, type ArchiveSink, checkedName, LARGEST_ITEM_BYTES, TooLarge } from './sink';

/**
 * What the keeper of the database runs once, as its owner. The login that a worker is given is then a member of
 * `countersign_archivist`, which can add and read, and nothing else.
 */
export const ARCHIVE_SCHEMA = `
CREATE SCHEMA IF NOT EXISTS countersign_archive;
CREATE TABLE IF NOT EXISTS countersign_archive.item (
  name       text PRIMARY KEY,
  content    bytea NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now()
);
DO $$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_archivist') THEN
    CREATE ROLE countersign_archivist NOLOGIN;
  END IF;
END $$;
REVOKE ALL ON SCHEMA countersign_archive FROM PUBLIC;
REVOKE ALL ON countersign_archive.item FROM PUBLIC, countersign_archivist;
GRANT USAGE ON SCHEMA countersign_archive TO countersign_archivist;
GRANT SELECT, INSERT (name, content) ON countersign_archive.item TO countersign_archivist;
`;

/** An archive in a table that its writer can only add to. A login that could do more is refused. */
export class PostgresqlSink implements ArchiveSink {
  readonly #pool: Pool;
  #checked: Promise<void> | undefined;
  readonly place = 'postgresql: countersign_archive.item';

  constructor(url: string) {
    this.#pool = new Pool({
      connectionString: url,
      max: 2,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 1_000,
      statement_timeout: 20_000,
      query_timeout: 22_000,
      application_name: 'countersign-archive',
      allowExitOnIdle: true,
    });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  async has(name: string): Promise<boolean> {
    const rows = await this.#query('SELECT 1 FROM countersign_archive.item WHERE name = $1', [
      checkedName(name),
    ]);
    return rows.length > 0;
  }

  async put(name: string, content: Buffer): Promise<void> {
    await this.#query(
      'INSERT INTO countersign_archive.item (name, content) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
      [checkedName(name), content],
    );
    const found = await this.get(name);
    if (found === undefined || !found.equals(content)) throw new AlreadyWritten(name);
  }

  async get(name: string): Promise<Buffer | undefined> {
    const [row] = await this.#query(
      `SELECT CASE WHEN octet_length(content) <= $2 THEN content END AS content
         FROM countersign_archive.item WHERE name = $1`,
      [checkedName(name), LARGEST_ITEM_BYTES],
    );
    if (row === undefined) return undefined;
    const { content } = row;
    if (Buffer.isBuffer(content)) return content;
    throw new TooLarge(name);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const rows = await this.#query(
      'SELECT name FROM countersign_archive.item WHERE starts_with(name, $1) ORDER BY name COLLATE "C"',
      [prefix],
    );
    return rows.map((row) => String(row['name']));
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  async #query(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    this.#checked ??= this.#refuseTooMighty().catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    await this.#checked;
    return this.#run(text, values);
  }

  /** Evidence that its writer could change is evidence of nothing. */
  async #refuseTooMighty(): Promise<void> {
    const [row] = await this.#run(
      `SELECT has_table_privilege(current_user, 'countersign_archive.item', 'UPDATE, DELETE, TRUNCATE')
           OR has_any_column_privilege(current_user, 'countersign_archive.item', 'UPDATE') AS mighty`,
      [],
    );
    if (row?.['mighty'] !== false)
      throw new Error(
        'this login may change or delete what is archived; give it a member of countersign_archivist and nothing more',
      );
  }

  async #run(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    try {
      return (await this.#pool.query(text, [...values])).rows;
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
      // The message of a failed connection may name the address.
      throw new Error(
        /^[0-9A-Z]{5}$/.test(code)
          ? `the archive's database refused: ${code}`
          : "the archive's database cannot be reached",
      );
    }
  }
}
