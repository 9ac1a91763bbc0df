import { CountersignError } from '../../client';
import type { Logger } from '../../contracts/logger';
import { LIMITS } from '../../domain/limits';
import { BoundedMap } from '../../signing/seen';
import type { VerifiedRequest } from '../../verified/verify-request';
import { CLAIM_MS, DueWatch, pauseAfterMs, TICK_MS } from '../due-watch';
import type { GatewayKeys } from '../keys';
import type { GithubApi } from './api';
import type { DeploymentRule, GithubConfig } from './config';
import { type DeploymentReview, deploymentReviewOf, whyStale } from './deployment-review';
import { type Question, requestIdOf } from './question';
import type { OpenQuestion, QuestionStore } from './question-store';

const MOST_AT_ONCE = 20;
/** Whether a waiting run still waits is asked this often. */
const CHECK_EVERY_MS = 60_000;
/** After an outage of GitHub, an answer is at most this late. */
const LONGEST_RETRY_MS = 300_000;

export interface AnswersOptions {
  readonly config: GithubConfig;
  readonly publicUrl: string;
  readonly api: Pick<GithubApi, 'standing' | 'answer'>;
  readonly keys: GatewayKeys;
  readonly store: Pick<QuestionStore, 'claim' | 'lookAgain' | 'end'>;
  readonly read: (requestId: string) => Promise<VerifiedRequest>;
  /** Withdraws a request, or ends the access that it gave, in the name of its requester. */
  readonly takeBack: (principal: string, requestId: string) => Promise<unknown>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly tickMs?: number;
}

/** Answers GitHub once requests are decided. Open questions stay in the store until GitHub has the answer; any gateway may give it. */
export class Answers {
  readonly due: DueWatch<OpenQuestion>;
  readonly #checkedMs = new BoundedMap<number>(10_000);

  constructor(private readonly options: AnswersOptions) {
    this.due = new DueWatch({
      ...options,
      about: 'an answer to GitHub',
      claim: (...args) => options.store.claim(...args),
      mostAtOnce: MOST_AT_ONCE,
      attend: (open) => this.#attend(open),
      named: ({ requestId }) => ({ request: requestId }),
    });
  }

  async #attend(open: OpenQuestion): Promise<void> {
    const { keys } = this.options;
    const { requestId, question, notedAtMs, isSuperseded } = open;
    const rule = this.#ruleFor(question);
    // Whoever can write to the database cannot make a row about another request.
    if (rule === undefined) return this.#end(open, 'no longer named in gateway.yaml');
    if (requestIdOf(question, rule, keys) !== requestId) return this.#end(open, 'the row is not one of ours');
    if (isSuperseded) return this.#takeBack(open, rule, 'GitHub has asked anew for this run');
    const ageMs = this.options.nowMs() - notedAtMs;
    if (ageMs > LIMITS.pendingLifeMs) return this.#takeBack(open, rule, 'nobody decided in time');
    const read = await this.#read(requestId);
    // The gateway stopped between the row and the request. GitHub saw no success, so it can deliver again.
    if (read === 'missing')
      return ageMs > CLAIM_MS ? this.#end(open, 'never asked') : this.#later(open, TICK_MS, 0);
    const review = read && deploymentReviewOf(read, question, rule);
    if (review !== undefined) return this.#tell(open, rule, review);
    if (await this.#isOver(open, rule)) return;
    return this.#later(open, pauseAfterMs(ageMs), 0);
  }

  /** Looks now and then whether the run of an undecided request still waits. If it does not, nobody has to decide. */
  async #isOver(open: OpenQuestion, rule: DeploymentRule): Promise<boolean> {
    const { api, nowMs } = this.options;
    const checkedMs = this.#checkedMs.get(open.requestId) ?? open.notedAtMs;
    if (nowMs() - checkedMs < CHECK_EVERY_MS) return false;
    this.#checkedMs.set(open.requestId, nowMs());
    const standing = await api.standing(open.question);
    const stale = standing.ok
      ? whyStale(standing.value, open.question)
      : standing.kind === 'gone' && standing.why;
    if (!stale) return false;
    await this.#takeBack(open, rule, stale);
    return true;
  }

  async #tell(open: OpenQuestion, rule: DeploymentRule, review: DeploymentReview): Promise<void> {
    const { api, publicUrl, log } = this.options;
    const { question, requestId } = open;
    if (review.state === 'approved') {
      const standing = await api.standing(question);
      if (!standing.ok)
        return standing.kind === 'gone'
          ? this.#takeBack(open, rule, standing.why)
          : this.#retry(open, standing);
      const stale = whyStale(standing.value, question);
      if (stale !== undefined) return this.#takeBack(open, rule, stale);
    }
    const comment = `Countersign: ${review.reason}. ${publicUrl}/requests/${requestId}`;
    const reply = await api.answer(question, review.state, comment);
    if (reply.ok) {
      log.info({ request: requestId, state: review.state }, 'GitHub has the answer');
      return this.#end(open, review.state);
    }
    return reply.kind === 'gone' ? this.#takeBack(open, rule, reply.why) : this.#retry(open, reply);
  }

  /** Ends a question that nobody waits for any more, with the request and what access it gave. */
  async #takeBack(open: OpenQuestion, rule: DeploymentRule, why: string): Promise<void> {
    const read = await this.#read(open.requestId);
    const isLive =
      read !== undefined &&
      read !== 'missing' &&
      read.holds &&
      ['submitted', 'assessing', 'awaiting_approval', 'approved', 'provisioning', 'active'].includes(
        read.view.status,
      );
    if (read === undefined) return this.#later(open, TICK_MS, open.failures);
    if (isLive) await this.options.takeBack(rule.as, open.requestId);
    return this.#end(open, why);
  }

  #retry(
    open: OpenQuestion,
    { why, pauseMs }: { readonly why: string; readonly pauseMs?: number },
  ): Promise<void> {
    const backOffMs = Math.min(LONGEST_RETRY_MS, TICK_MS * 2 ** Math.min(open.failures, 20));
    this.options.log.warn(
      { request: open.requestId, why },
      'GitHub does not take the answer now; trying again',
    );
    return this.#later(open, Math.max(backOffMs, pauseMs ?? 0), open.failures + 1);
  }

  #later({ requestId }: OpenQuestion, pauseMs: number, failures: number): Promise<void> {
    const { store, nowMs } = this.options;
    return store.lookAgain(requestId, nowMs() + pauseMs, failures);
  }

  #end({ requestId }: OpenQuestion, answer: string): Promise<void> {
    const { store, nowMs, log } = this.options;
    log.info({ request: requestId, answer }, 'a question of GitHub is over');
    return store.end(requestId, answer, nowMs());
  }

  #ruleFor({ repositoryId, environment, installation, repository }: Question): DeploymentRule | undefined {
    return this.options.config.deployments.find(
      (one) =>
        one.repositoryId === repositoryId &&
        one.environment === environment &&
        one.installation === installation &&
        one.repository === repository,
    );
  }

  /** Returns undefined while nothing answers for the request. */
  async #read(requestId: string): Promise<VerifiedRequest | 'missing' | undefined> {
    try {
      return await this.options.read(requestId);
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      return error.code === 'NOT_FOUND' ? 'missing' : undefined;
    }
  }
}
