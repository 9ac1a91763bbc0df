import type { StoreTables } from '../../database/migrate';
import type { QuestionTable } from '../questions/store';
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

export const GITHUB_QUESTION_TABLE: QuestionTable<Question> = {
  tables: GITHUB_QUESTIONS,
  table: 'github_question',
  columns: ['repository_id', 'environment', 'run', 'deployment'],
  valuesOf: ({ repositoryId, environment, run, deployment }) => [repositoryId, environment, run, deployment],
  // GitHub asked anew for the same run and environment.
  superseded: `other.repository_id = mine.repository_id AND other.environment = mine.environment
            AND other.run = mine.run AND other.deployment > mine.deployment`,
  schema: questionSchema,
};
