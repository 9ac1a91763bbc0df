import type { VerifiedRequests } from '../../verified/verified-requests';
import type { Common } from '../parts';
import { QuestionStore } from '../questions/store';
import type { OwnRequests } from '../requests/own';
import { GitlabAnswers } from './answers';
import { GitlabApi } from './api';
import { Checks } from './checks';
import { GITLAB_QUESTION_TABLE } from './question';

interface Needed {
  readonly verified: Pick<VerifiedRequests, 'read'>;
  readonly ownRequests: Pick<OwnRequests, 'end'>;
  /** Database that keeps the questions that GitLab has no answer to yet. */
  readonly storeUrl: string | undefined;
}

/**
 * Answers external status checks of GitLab. Returns undefined if `gateway.yaml` has no section `gitlab`.
 *
 * @throws Error (one line) if the token or a secret is unusable, or there is no database
 */
export function gitlabParts(
  { config: { gitlab: config }, publicUrl, client, keys, own, log, nowMs }: Common,
  { verified, ownRequests, storeUrl }: Needed,
) {
  if (config === undefined) return undefined;
  if (storeUrl === undefined)
    throw new Error('gitlab is configured, but there is no database to keep its open questions in');
  const api = new GitlabApi(config, nowMs);
  const store = new QuestionStore(GITLAB_QUESTION_TABLE, { url: storeUrl, log });
  const checks = new Checks({ config, client, keys, recorder: own.recorder, store, nowMs });
  const answers = new GitlabAnswers({
    ...{ config, publicUrl, api, keys, store, log, nowMs },
    read: (id) => verified.read(id),
    takeBack: (principal, id) => ownRequests.end({ principal }, id),
  });
  answers.due.start();
  return {
    checks,
    close: async () => {
      await answers.due.stop();
      await store.close();
    },
  };
}
