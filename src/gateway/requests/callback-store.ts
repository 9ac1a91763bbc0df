import { Database, type DatabaseOptions } from '../../database/database';
import type { StoreTables } from '../../database/migrate';

/** The first migration takes over the table of versions before numbered migrations, so it makes only what is missing. */
export const CALLBACKS: StoreTables = {
  store: 'callbacks',
  migrations: [
    {
      name: 'callback',
      sql: `
  CREATE TABLE IF NOT EXISTS countersign.callback (
    task_id     text PRIMARY KEY,
    noted_at_ms bigint NOT NULL,
    next_at_ms  bigint NOT NULL,
    failures    integer NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS callback_next ON countersign.callback (next_at_ms);
`,
    },
  ],
};

/** An access-request task whose end somebody asked to be told about. */
export interface DueCallback {
  readonly taskId: string;
  readonly notedAtMs: number;
  readonly failures: number;
}

/**
 * Records in the ledger's database which callbacks are still owed, so that a restarted gateway knows. The address and content
 * stay in the attestation beside the request.
 */
export class CallbackStore {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 2, ...options }, [CALLBACKS]);
  }

  /** Records that a callback is owed. Call it before the request starts: a row without a task is dropped, a task without a row is lost. */
  async note(taskId: string, atMs: number, firstLookAtMs: number): Promise<void> {
    await this.#database.query(
      'INSERT INTO countersign.callback (task_id, noted_at_ms, next_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [taskId, atMs, firstLookAtMs],
    );
  }

  /** Claims due callbacks for one gateway. If it dies, they are due again at `untilMs`. */
  async claim(atMs: number, untilMs: number, most: number): Promise<readonly DueCallback[]> {
    const rows = await this.#database.query<{ task_id: string; noted_at_ms: string; failures: number }>(
      `UPDATE countersign.callback SET next_at_ms = $2 WHERE task_id IN (
         SELECT task_id FROM countersign.callback WHERE next_at_ms <= $1
          ORDER BY next_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING task_id, noted_at_ms, failures`,
      [atMs, untilMs, most],
    );
    return rows.map(({ task_id: taskId, noted_at_ms: notedAtMs, failures }) => ({
      taskId,
      notedAtMs: Number(notedAtMs),
      failures,
    }));
  }

  async lookAgain(taskId: string, atMs: number, failures: number): Promise<void> {
    await this.#database.query(
      'UPDATE countersign.callback SET next_at_ms = $2, failures = $3 WHERE task_id = $1',
      [taskId, atMs, failures],
    );
  }

  /** Deletes a callback that was delivered or given up. */
  async forget(taskId: string): Promise<void> {
    await this.#database.query('DELETE FROM countersign.callback WHERE task_id = $1', [taskId]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
