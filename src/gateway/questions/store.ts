import type { z } from 'zod';
import { Database, type DatabaseOptions } from '../../database/database';
import type { StoreTables } from '../../database/migrate';

/** A question that has no answer yet. */
export interface OpenQuestion<Q> {
  readonly requestId: string;
  readonly question: Q;
  readonly notedAtMs: number;
  readonly failures: number;
  /** True if the other side has asked anew about the same: the older question is never answered. */
  readonly isSuperseded: boolean;
}

/** How the questions of one counterpart are kept. */
export interface QuestionTable<Q> {
  readonly tables: StoreTables;
  /** Name of the table, in our own words: it becomes a part of statements, as the columns do. */
  readonly table: string;
  /** Columns that say what a question is about, and their values. */
  readonly columns: readonly string[];
  readonly valuesOf: (question: Q) => readonly (string | number)[];
  /** Condition under which another row, `other`, supersedes this one, `mine`. */
  readonly superseded: string;
  readonly schema: z.ZodType<Q>;
}

interface Row {
  readonly request_id: string;
  readonly question: string;
  readonly noted_at_ms: string;
  readonly failures: number;
  readonly superseded: boolean;
}

/** Rows stay this long after they are done, so that a late delivery of an older question finds the newer one. */
const KEEP_MS = 40 * 86_400_000;

/**
 * Records in the ledger's database which questions are open, so that a restarted gateway knows. A row decides nothing: what it names is
 * derived again from the request before the other side is answered.
 */
export class QuestionStore<Q> {
  readonly #database: Database;
  readonly #table: string;

  constructor(
    private readonly kept: QuestionTable<Q>,
    options: DatabaseOptions,
  ) {
    this.#database = new Database({ maxConnections: 2, ...options }, [kept.tables]);
    this.#table = `countersign.${kept.table}`;
  }

  /** Records a question, before its request starts. A question that is there already stays as it is. */
  async note(requestId: string, question: Q, atMs: number): Promise<void> {
    const { columns, valuesOf } = this.kept;
    const places = columns.map((_, index) => `$${index + 4}`);
    await this.#database.query(
      `INSERT INTO ${this.#table} (request_id, question, noted_at_ms, next_at_ms, ${columns.join(', ')})
       VALUES ($1, $2, $3, $3, ${places.join(', ')}) ON CONFLICT DO NOTHING`,
      [requestId, JSON.stringify(question), atMs, ...valuesOf(question)],
    );
  }

  /** Claims due questions for one gateway. If it dies, they are due again at `untilMs`. */
  async claim(atMs: number, untilMs: number, most: number): Promise<readonly OpenQuestion<Q>[]> {
    const { schema, superseded } = this.kept;
    const rows = await this.#database.query<Row>(
      `UPDATE ${this.#table} AS mine SET next_at_ms = $2 WHERE request_id IN (
         SELECT request_id FROM ${this.#table} WHERE done_at_ms IS NULL AND next_at_ms <= $1
          ORDER BY next_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING request_id, question, noted_at_ms, failures, EXISTS (
         SELECT 1 FROM ${this.#table} AS other WHERE ${superseded}) AS superseded`,
      [atMs, untilMs, most],
    );
    return rows.flatMap(
      ({ request_id: requestId, question, noted_at_ms, failures, superseded: isSuperseded }) => {
        const read = schema.safeParse(parsed(question));
        if (!read.success) return [];
        return [{ requestId, question: read.data, notedAtMs: Number(noted_at_ms), failures, isSuperseded }];
      },
    );
  }

  async lookAgain(requestId: string, atMs: number, failures: number): Promise<void> {
    await this.#database.query(
      `UPDATE ${this.#table} SET next_at_ms = $2, failures = $3 WHERE request_id = $1`,
      [requestId, atMs, failures],
    );
  }

  /** Records how a question ended. It is not looked at again. */
  async end(requestId: string, answer: string, atMs: number): Promise<void> {
    await this.#database.query(
      `UPDATE ${this.#table} SET done_at_ms = $3, answer = $2 WHERE request_id = $1`,
      [requestId, answer, atMs],
    );
    await this.#database.query(`DELETE FROM ${this.#table} WHERE done_at_ms < $1`, [atMs - KEEP_MS]);
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
