import { type CountersignClient, CountersignError } from '../../client';
import { digestOfText } from '../../domain/digest';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { attest } from '../requests/attest';
import type { DeploymentRule, GithubConfig } from './config';
import { type RuleRequested, runOfCallback } from './payload';
import { askedBy, type Question, requestIdOf } from './question';
import type { QuestionStore } from './question-store';

/** GitHub's clock and ours may differ by this much. */
const SKEW_MS = 300_000;

export interface DeploymentsOptions {
  readonly config: GithubConfig;
  readonly client: Pick<CountersignClient, 'submit'>;
  readonly keys: GatewayKeys;
  /** The identity that the gateway attests as. */
  readonly recorder: string;
  readonly store: Pick<QuestionStore, 'note'>;
  readonly nowMs: () => number;
}

/** Takes in what GitHub asks, and asks it as a request in the name of the workload. */
export class Deployments {
  constructor(private readonly options: DeploymentsOptions) {}

  /**
   * Asks. A second delivery of the same question finds the request of the first.
   *
   * @param body the received message, whose signature holds
   * @throws HttpProblem with a code if the message is not about a deployment that the settings name
   */
  async ask(
    message: RuleRequested,
    body: string,
  ): Promise<{ readonly id: string; readonly created: boolean }> {
    const { config, client, keys, recorder, store, nowMs } = this.options;
    const atMs = nowMs();
    const rule = ruleFor(message, config);
    const question = questionIn(message, rule, config, atMs);
    const id = requestIdOf(question, rule, keys);
    try {
      // Before the request starts: a question without a request is asked again below, a request without a question would have no answer.
      await store.note(id, question, atMs);
    } catch {
      throw unavailable('the question cannot be stored now');
    }
    const via = {
      issuer: config.apiUrl,
      subject: `installation ${question.installation}, repository ${question.repositoryId}, deployment ${question.deployment}`,
      token: digestOfText(body),
    };
    const request = { ...askedBy(question, rule, id), submittedAtMs: atMs };
    const submission = await attest(request, { iss: recorder, via }, keys.attestation, atMs);
    try {
      await client.submit(submission);
      return { id, created: true };
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      if (error.code === 'ALREADY_SUBMITTED') return { id, created: false };
      if (error.code === 'INVALID_REQUEST') throw new HttpProblem(400, error.message.slice(0, 600));
      throw unavailable('requests cannot be reached now');
    }
  }
}

const unavailable = (why: string) =>
  new HttpProblem(503, `${why}; have GitHub deliver it again`, { headers: { 'Retry-After': '5' } });

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
