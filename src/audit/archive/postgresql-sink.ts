import { Pool } from 'pg';
import { migrationScript, type StoreTables } from '../../database/migrate';
import { sqlStateOf } from '../../database/unavailable';
import { AlreadyWritten, type ArchiveSink, checkedName, LARGEST_ITEM_BYTES, TooLarge } from './sink';

/** The first migration takes over the table of versions before numbered migrations, so it makes only what is missing. */
export const ARCHIVE: StoreTables = {
  store: 'archive',
  migrations: [
    {
      name: 'item',
      sql: `
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
`,
    },
  ],
};

/**
 * The script that the owner of the archive's database runs once, and again after an update. A worker's login is then a member of
 * `countersign_archivist`, which can only add and read.
 */
export const ARCHIVE_SCHEMA = migrationScript('countersign_archive', ARCHIVE);

/** Archives into a table that its writer can only add to. It refuses a login that could do more. */
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
    const archived = await this.get(name);
    if (archived === undefined || !archived.equals(content)) throw new AlreadyWritten(name);
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
    this.#checked ??= this.#refuseUnsafeLogin().catch((error: unknown) => {
      this.#checked = undefined;
      throw error;
    });
    await this.#checked;
    return this.#run(text, values);
  }

  /** Evidence that its writer could change would prove nothing. */
  async #refuseUnsafeLogin(): Promise<void> {
    const [row] = await this.#run(
      `SELECT has_table_privilege(current_user, 'countersign_archive.item', 'UPDATE, DELETE, TRUNCATE')
           OR has_any_column_privilege(current_user, 'countersign_archive.item', 'UPDATE') AS unsafe`,
      [],
    );
    if (row?.['unsafe'] !== false)
      throw new Error(
        'this login may change or delete archived items; use a login that is a member of countersign_archivist and nothing more',
      );
  }

  async #run(text: string, values: readonly unknown[]): Promise<readonly Record<string, unknown>[]> {
    try {
      return (await this.#pool.query(text, [...values])).rows;
    } catch (error) {
      const code = sqlStateOf(error);
      // The message of a failed connection may name the address.
      throw new Error(
        code === undefined
          ? "the archive's database cannot be reached"
          : `the archive's database refused: ${code}`,
      );
    }
  }
}
