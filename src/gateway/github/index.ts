import type { VerifiedRequests } from '../../verified/verified-requests';
import type { Common } from '../parts';
import { QuestionStore } from '../questions/store';
import type { OwnRequests } from '../requests/own';
import { GithubAnswers } from './answers';
import { GithubApi } from './api';
import { Deployments } from './deployments';
import { GITHUB_QUESTION_TABLE } from './question-store';
import { Webhook } from './webhook';

interface Needed {
  readonly verified: Pick<VerifiedRequests, 'read'>;
  readonly ownRequests: Pick<OwnRequests, 'end'>;
  /** Database that keeps the questions that GitHub has no answer to yet. */
  readonly storeUrl: string | undefined;
}

/**
 * Answers the deployment protection rule of a GitHub App. Returns undefined if `gateway.yaml` has no section `github`.
 *
 * @throws Error (one line) if the App's key or secret is unusable, or there is no database
 */
export function githubParts(
  { config: { github: config }, publicUrl, client, keys, own, log, nowMs }: Common,
  { verified, ownRequests, storeUrl }: Needed,
) {
  if (config === undefined) return undefined;
  if (storeUrl === undefined)
    throw new Error('github is configured, but there is no database to keep its open questions in');
  const store = new QuestionStore(GITHUB_QUESTION_TABLE, { url: storeUrl, log });
  const { recorder } = own;
  const deployments = new Deployments({ config, client, keys, recorder, store, nowMs });
  const webhook = new Webhook(config.webhookSecretFile, deployments);
  const answers = new GithubAnswers({
    ...{ config, publicUrl, api: new GithubApi(config, nowMs), keys, store, log, nowMs },
    read: (id) => verified.read(id),
    takeBack: (principal, id) => ownRequests.end({ principal }, id),
  });
  answers.due.start();
  return {
    webhook,
    close: async () => {
      await answers.due.stop();
      await store.close();
    },
  };
}
