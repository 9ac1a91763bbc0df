import type { GatewayKeys } from '../keys';
import { Answers, type AnswersOptions } from '../questions/answers';
import { type GitlabApi, type MergeRequest, whyStale } from './api';
import type { CheckRule, GitlabConfig } from './config';
import { checkReviewOf, type Question, requestIdOf } from './question';

interface GitlabAnswersOptions
  extends Omit<AnswersOptions<Question, CheckRule, MergeRequest>, 'counterpart'> {
  readonly config: GitlabConfig;
  readonly api: Pick<GitlabApi, 'standing' | 'answer'>;
  readonly keys: GatewayKeys;
}

/** Answers GitLab whether a merge request passes, once its request is decided. */
export class GitlabAnswers extends Answers<Question, CheckRule, MergeRequest> {
  constructor({ config, api, keys, ...rest }: GitlabAnswersOptions) {
    super({
      ...rest,
      counterpart: {
        name: 'GitLab',
        ruleFor: ({ check, projectId, project }) =>
          config.checks.find(
            (one) => one.check === check && one.projectId === projectId && one.project === project,
          ),
        requestIdOf: (question, rule) => requestIdOf(question, rule, keys),
        reviewOf: checkReviewOf,
        standing: (question) => api.standing(question),
        whyStale,
        answer: (question, state) => api.answer(question, state),
      },
    });
  }
}
