import type { GatewayKeys } from '../keys';
import { Answers, type AnswersOptions } from '../questions/answers';
import type { DeploymentStanding, GithubApi } from './api';
import type { DeploymentRule, GithubConfig } from './config';
import { deploymentReviewOf, whyStale } from './deployment-review';
import { type Question, requestIdOf } from './question';

export interface GithubAnswersOptions
  extends Omit<AnswersOptions<Question, DeploymentRule, DeploymentStanding>, 'counterpart'> {
  readonly config: GithubConfig;
  readonly api: Pick<GithubApi, 'standing' | 'answer'>;
  readonly keys: GatewayKeys;
}

/** Answers GitHub whether deployments may go on, once their requests are decided. */
export class GithubAnswers extends Answers<Question, DeploymentRule, DeploymentStanding> {
  constructor({ config, api, keys, ...rest }: GithubAnswersOptions) {
    super({
      ...rest,
      counterpart: {
        name: 'GitHub',
        ruleFor: ({ repositoryId, environment, installation, repository }) =>
          config.deployments.find(
            (one) =>
              one.repositoryId === repositoryId &&
              one.environment === environment &&
              one.installation === installation &&
              one.repository === repository,
          ),
        requestIdOf: (question, rule) => requestIdOf(question, rule, keys),
        reviewOf: deploymentReviewOf,
        standing: (question) => api.standing(question),
        whyStale,
        answer: (...answer) => api.answer(...answer),
      },
    });
  }
}
