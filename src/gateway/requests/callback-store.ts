import { Database, type DatabaseOptions } from '../../connectors/postgresql/database';

const SCHEMA = `
  CREATE SCHEMA IF NOT EXISTS countersign;
  CREATE TABLE IF NOT EXISTS countersign.callback (
    task_id     text PRIMARY KEY,
    noted_at_ms bigint NOT NULL,
    next_at_ms  bigint NOT NULL,
    failures    integer NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS callback_next ON countersign.callback (next_at_ms);
`;

/** A task somebody wants to be told about. */
export interface DueCallback {
  readonly taskId: string;
  readonly notedAtMs: number;
  readonly failures: number;
}

/**
 * Which tasks somebody has still to be told about, in the ledger's database, so that a gateway that starts again knows.
 * Whom to tell and what stays in the attestation beside the request; here is only that it is owed.
 */
export class CallbackStore {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 2, ...options });
  }

  /** Owed from now on. Noted before the request is started: a row without a task is let go, a task without a row is lost. */
  async note(taskId: string, atMs: number, firstLookAtMs: number): Promise<void> {
    await this.#query(
      'INSERT INTO countersign.callback (task_id, noted_at_ms, next_at_ms) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [taskId, atMs, firstLookAtMs],
    );
  }

  /** Those that are due, each for one gateway; where that one dies they are due again at `untilMs`. */
  async claim(atMs: number, untilMs: number, most: number): Promise<readonly DueCallback[]> {
    const rows = await this.#query<{ task_id: string; noted_at_ms: string; failures: number }>(
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
    await this.#query('UPDATE countersign.callback SET next_at_ms = $2, failures = $3 WHERE task_id = $1', [
      taskId,
      atMs,
      failures,
    ]);
  }

  /** Told, or never to be told. */
  async forget(taskId: string): Promise<void> {
    await this.#query('DELETE FROM countersign.callback WHERE task_id = $1', [taskId]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #query<Row extends object>(text: string, values: readonly unknown[]): Promise<readonly Row[]> {
    await this.#prepare();
    return this.#database.query<Row>(text, values);
  }

  #prepare(): Promise<void> {
    return this.#database.prepare(SCHEMA);
  }
}
