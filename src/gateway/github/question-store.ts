import { Database, type DatabaseOptions } from '../../database/database';
import type { StoreTables } from '../../database/migrate';
import { type Question, questionSchema } from './question';

export const GITHUB_QUESTIONS: StoreTables = {
  store: 'github questions',
  migrations: [
    {
      name: 'github_question',
      sql: `
  CREATE TABLE countersign.github_question (
    request_id    text PRIMARY KEY,
    repository_id bigint NOT NULL,
    environment   text NOT NULL,
    run           bigint NOT NULL,
    deployment    bigint NOT NULL,
    question      text NOT NULL,
    noted_at_ms   bigint NOT NULL,
    next_at_ms    bigint NOT NULL,
    failures      integer NOT NULL DEFAULT 0,
    done_at_ms    bigint,
    answer        text
  );
  CREATE INDEX github_question_next ON countersign.github_question (next_at_ms) WHERE done_at_ms IS NULL;
  CREATE INDEX github_question_place ON countersign.github_question (repository_id, environment, run);
`,
    },
  ],
};

/** A question that GitHub has no answer to yet. */
export interface OpenQuestion {
  readonly requestId: string;
  readonly question: Question;
  readonly notedAtMs: number;
  readonly failures: number;
  /** True if GitHub has asked anew for the same run and environment: the older question is never answered. */
  readonly isSuperseded: boolean;
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
 * Records in the ledger's database which questions of GitHub are open, so that a restarted gateway knows. A row decides nothing: what it
 * names is derived again from the request before GitHub is answered.
 */
export class QuestionStore {
  readonly #database: Database;

  constructor(options: DatabaseOptions) {
    this.#database = new Database({ maxConnections: 2, ...options }, [GITHUB_QUESTIONS]);
  }

  /** Records a question, before its request starts. A question that is there already stays as it is. */
  async note(requestId: string, question: Question, atMs: number): Promise<void> {
    const { repositoryId, environment, run, deployment } = question;
    await this.#database.query(
      `INSERT INTO countersign.github_question
         (request_id, repository_id, environment, run, deployment, question, noted_at_ms, next_at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT DO NOTHING`,
      [requestId, repositoryId, environment, run, deployment, JSON.stringify(question), atMs],
    );
  }

  /** Claims due questions for one gateway. If it dies, they are due again at `untilMs`. */
  async claim(atMs: number, untilMs: number, most: number): Promise<readonly OpenQuestion[]> {
    const rows = await this.#database.query<Row>(
      `UPDATE countersign.github_question AS mine SET next_at_ms = $2 WHERE request_id IN (
         SELECT request_id FROM countersign.github_question WHERE done_at_ms IS NULL AND next_at_ms <= $1
          ORDER BY next_at_ms LIMIT $3 FOR UPDATE SKIP LOCKED)
       RETURNING request_id, question, noted_at_ms, failures, EXISTS (
         SELECT 1 FROM countersign.github_question AS other
          WHERE other.repository_id = mine.repository_id AND other.environment = mine.environment
            AND other.run = mine.run AND other.deployment > mine.deployment) AS superseded`,
      [atMs, untilMs, most],
    );
    return rows.flatMap(({ request_id: requestId, question, noted_at_ms, failures, superseded }) => {
      const read = questionSchema.safeParse(parsed(question));
      if (!read.success) return [];
      const notedAtMs = Number(noted_at_ms);
      return [{ requestId, question: read.data, notedAtMs, failures, isSuperseded: superseded }];
    });
  }

  async lookAgain(requestId: string, atMs: number, failures: number): Promise<void> {
    await this.#database.query(
      'UPDATE countersign.github_question SET next_at_ms = $2, failures = $3 WHERE request_id = $1',
      [requestId, atMs, failures],
    );
  }

  /** Records how a question ended. It is not looked at again. */
  async end(requestId: string, answer: string, atMs: number): Promise<void> {
    await this.#database.query(
      'UPDATE countersign.github_question SET done_at_ms = $3, answer = $2 WHERE request_id = $1',
      [requestId, answer, atMs],
    );
    await this.#database.query('DELETE FROM countersign.github_question WHERE done_at_ms < $1', [
      atMs - KEEP_MS,
    ]);
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
