import { setTimeout as sleep } from 'node:timers/promises';
import { Database, type DatabaseOptions } from '../../database/database';
import { LOG_HEADS } from './migrations';

/** How long a writer that died keeps the others from writing. */
const HELD_FOR_MS = 15_000;
/** How long a writer waits for its turn. */
const PATIENCE_MS = 60_000;
const POLL_MS = 200;

/** Another writer took the log over, so this one wrote nothing. */
class LostLog extends Error {
  override readonly name = 'LostLog';

  constructor() {
    super('another process writes to the log; the next pass tries again');
  }
}

interface Row {
  readonly token: string;
  readonly checkpoint: string | null;
  readonly next_record: Buffer | null;
}

/** The right of one process to write to a log, until another one takes it over. */
export interface Turn {
  /** The last checkpoint that a writer published. */
  readonly checkpoint: string | undefined;
  /** The record that was decided to be the next leaf, by a writer that may not have written it. */
  readonly nextRecord: Buffer | undefined;
  /** Decides the next leaf. @throws LostLog if another process has taken the log over */
  decide(record: Buffer): Promise<void>;
  /** Notes that the log has this checkpoint, and its decided leaf. @throws LostLog as above */
  publish(checkpoint: string): Promise<void>;
}

/**
 * Says in PostgreSQL who may write to a log, and what its next leaf is. The database decides and the folder follows: a leaf is decided
 * before any file is written, by a statement that counts only for the process that holds the log. All files follow from the leaves, so a
 * process that was paused, lost the log and goes on can only write again what is there.
 *
 * The right to write is a row with an end time and not a lock of the session, so it holds no connection and ends after a crash. The
 * database's clock decides when.
 */
export class LogHeads {
  readonly #database: Database;
  readonly #heldForMs: number;

  constructor({ heldForMs = HELD_FOR_MS, ...database }: DatabaseOptions & { readonly heldForMs?: number }) {
    this.#database = new Database(database, [LOG_HEADS]);
    this.#heldForMs = heldForMs;
  }

  /**
   * Waits until nobody else writes to the log, then does the work.
   *
   * @throws Error if another process held the log for a minute
   */
  async withTurn<T>(log: string, work: (turn: Turn) => Promise<T>): Promise<T> {
    const row = await this.#take(log);
    const { token } = row;
    try {
      return await work({
        checkpoint: row.checkpoint ?? undefined,
        nextRecord: row.next_record ?? undefined,
        decide: (record) => this.#set('next_record = $3', 'next_record IS NULL', [log, token, record]),
        publish: (checkpoint) =>
          this.#set('checkpoint = $3, next_record = NULL', 'true', [log, token, checkpoint]),
      });
    } finally {
      // It ends by itself if this fails.
      await this.#database
        .query("UPDATE countersign.log_head SET held_until = '-infinity' WHERE log = $1 AND token = $2", [
          log,
          token,
        ])
        .catch(() => undefined);
    }
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  async #take(log: string): Promise<Row> {
    // An end further off than twice the usual comes from a clock that was set back.
    const statement = `
      INSERT INTO countersign.log_head AS head (log, token, held_until)
      VALUES ($1, 1, clock_timestamp() + $2 * interval '1 millisecond')
      ON CONFLICT (log) DO UPDATE SET token = head.token + 1, held_until = excluded.held_until
        WHERE head.held_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + 2 * $2 * interval '1 millisecond'
      RETURNING token, checkpoint, next_record`;
    for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += POLL_MS) {
      const [row] = await this.#database.query<Row>(statement, [log, this.#heldForMs]);
      if (row !== undefined) return row;
      await sleep(POLL_MS);
    }
    throw new Error('another process has been writing to the log for a minute');
  }

  async #set(what: string, condition: string, values: readonly unknown[]): Promise<void> {
    const written = await this.#database.query(
      `UPDATE countersign.log_head SET ${what} WHERE log = $1 AND token = $2 AND ${condition} RETURNING 1`,
      values,
    );
    if (written.length === 0) throw new LostLog();
  }
}
