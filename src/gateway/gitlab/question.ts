import { z } from 'zod';
import type { VerifiedRequest } from '../../verified/verify-request';
import type { GatewayKeys } from '../keys';
import { type Asked, askedFor } from '../questions/asked-for';
import { type Review, reviewOf } from '../questions/review';
import type { QuestionTable } from '../questions/store';
import type { CheckRule } from './config';

/** What GitLab asks: may this commit of a merge request be merged into this branch? */
const questionSchema = z.strictObject({
  projectId: z.int().positive(),
  project: z.string(),
  check: z.int().positive(),
  mergeRequest: z.int().positive(),
  branch: z.string(),
  commit: z.string(),
});
export type Question = z.output<typeof questionSchema>;

/** Returns the id of the request that a question becomes: the same for a second delivery, another for another commit, branch or check. */
export const requestIdOf = (
  { projectId, project, check, mergeRequest, branch, commit }: Question,
  { as, entitlement }: CheckRule,
  keys: GatewayKeys,
): string =>
  keys.identifier(
    'glm_',
    ...[String(projectId), project, String(check), String(mergeRequest), branch, commit, as, entitlement],
  );

/** Returns the request that a question becomes. What people sign covers the commit and the branch. */
export function askedBy(question: Question, rule: CheckRule, id: string): Asked {
  const { projectId, project, mergeRequest, branch, commit } = question;
  return askedFor(rule, id, {
    reason: `merge ${project}!${mergeRequest} at commit ${commit} into ${branch}`,
    call: { project, projectId, mergeRequest, branch, commit },
  });
}

export const checkReviewOf = (
  read: VerifiedRequest,
  question: Question,
  rule: CheckRule,
): Review | undefined => reviewOf(read, (id) => askedBy(question, rule, id));

export const GITLAB_QUESTION_TABLE: QuestionTable<Question> = {
  tables: {
    store: 'gitlab questions',
    migrations: [
      {
        name: 'gitlab_question',
        sql: `
  CREATE TABLE countersign.gitlab_question (
    request_id    text PRIMARY KEY,
    project_id    bigint NOT NULL,
    merge_request bigint NOT NULL,
    check_id      bigint NOT NULL,
    question      text NOT NULL,
    noted_at_ms   bigint NOT NULL,
    next_at_ms    bigint NOT NULL,
    failures      integer NOT NULL DEFAULT 0,
    done_at_ms    bigint,
    answer        text
  );
  CREATE INDEX gitlab_question_next ON countersign.gitlab_question (next_at_ms) WHERE done_at_ms IS NULL;
`,
      },
    ],
  },
  table: 'gitlab_question',
  columns: ['project_id', 'merge_request', 'check_id'],
  valuesOf: ({ projectId, mergeRequest, check }) => [projectId, mergeRequest, check],
  // Deliveries carry no order. GitLab is asked which commit is the newest before it is answered.
  superseded: 'false',
  schema: questionSchema,
};
