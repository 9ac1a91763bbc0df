import { HttpProblem } from '../http/problem';
import { type AskedRequest, Asker, type AskerOptions } from '../questions/asker';
import type { DeploymentRule, GithubConfig } from './config';
import { type RuleRequested, runOfCallback } from './payload';
import { askedBy, type Question, requestIdOf } from './question';

/** GitHub's clock and ours may differ by this much. */
const SKEW_MS = 300_000;

export interface DeploymentsOptions extends Omit<AskerOptions<Question>, 'issuer'> {
  readonly config: GithubConfig;
}

/** Takes in what GitHub asks, and asks it as a request in the name of the workload. */
export class Deployments {
  readonly #asker: Asker<Question>;

  constructor(private readonly options: DeploymentsOptions) {
    this.#asker = new Asker({ ...options, issuer: options.config.apiUrl });
  }

  /**
   * Asks. A second delivery of the same question finds the request of the first.
   *
   * @param body the received message, whose signature holds
   * @throws HttpProblem with a code if the message is not about a deployment that the settings name
   */
  async ask(message: RuleRequested, body: string): Promise<AskedRequest> {
    const { config, keys, nowMs } = this.options;
    const rule = ruleFor(message, config);
    const question = questionIn(message, rule, config, nowMs());
    const { installation, repositoryId, deployment } = question;
    return this.#asker.ask({
      question,
      request: askedBy(question, rule, requestIdOf(question, rule, keys)),
      subject: `installation ${installation}, repository ${repositoryId}, deployment ${deployment}`,
      body,
    });
  }
}

const refused = (code: string, detail: string) => new HttpProblem(403, detail, { code });

function ruleFor(
  { installation, repository, environment }: RuleRequested,
  config: GithubConfig,
): DeploymentRule {
  const { deployments } = config;
  if (!deployments.some((one) => one.installation === installation.id))
    throw refused('UNKNOWN_INSTALLATION', 'gateway.yaml names no deployment of this installation');
  const rule = deployments.find(
    (one) => one.repositoryId === repository.id && one.environment === environment,
  );
  if (rule === undefined || rule.installation !== installation.id)
    throw refused('NOT_NAMED', 'gateway.yaml does not name this environment of this repository');
  if (rule.repository.toLowerCase() !== repository.full_name.toLowerCase())
    throw refused('RENAMED', 'the repository has another name than in gateway.yaml; change it there');
  return rule;
}

function questionIn(
  { environment, deployment, deployment_callback_url: callback }: RuleRequested,
  rule: DeploymentRule,
  config: GithubConfig,
  atMs: number,
): Question {
  const run = runOfCallback(callback, config, rule.repository);
  if (run === undefined)
    throw refused(
      'CALLBACK_ELSEWHERE',
      'deployment_callback_url is not that of a run of this repository at apiUrl',
    );
  if (deployment.environment !== environment)
    throw refused(
      'ANOTHER_ENVIRONMENT',
      'the deployment is to another environment than the rule is asked about',
    );
  const ageMs = atMs - Date.parse(deployment.created_at);
  if (ageMs > config.replayWithin || ageMs < -SKEW_MS)
    throw refused('TOO_OLD', 'the deployment is older than replayWithin, or dated in the future');
  const { repository, repositoryId, installation } = rule;
  return {
    ...{ installation, repositoryId, repository, environment, run },
    deployment: deployment.id,
    commit: deployment.sha,
  };
}
