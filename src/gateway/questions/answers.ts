import { CountersignError } from '../../client';
import type { Logger } from '../../contracts/logger';
import { LIMITS } from '../../domain/limits';
import { BoundedMap } from '../../signing/seen';
import type { VerifiedRequest } from '../../verified/verify-request';
import { CLAIM_MS, DueWatch, pauseAfterMs, TICK_MS } from '../due-watch';
import type { Reply } from './reply';
import type { Review } from './review';
import type { OpenQuestion, QuestionStore } from './store';

const MOST_AT_ONCE = 20;
/** Whether the other side still asks is looked at this often. */
const CHECK_EVERY_MS = 60_000;
/** After an outage of the other side, an answer is at most this late. */
const LONGEST_RETRY_MS = 300_000;

/** The other side, and how a question of its is to be read. */
export interface Counterpart<Q, R, S> {
  /** What it is called in the log. */
  readonly name: string;
  /** Returns the rule of the settings for a question, or undefined if there is none any more. */
  readonly ruleFor: (question: Q) => R | undefined;
  /** Returns the id of the request that a question became. */
  readonly requestIdOf: (question: Q, rule: R) => string;
  /** Returns what the other side is told, or undefined while the request is undecided. */
  readonly reviewOf: (read: VerifiedRequest, question: Q, rule: R) => Review | undefined;
  /** Returns how what was asked about stands now at the other side. */
  readonly standing: (question: Q) => Promise<Reply<S>>;
  /** Returns why a question is no longer asked, or undefined if it still is. */
  readonly whyStale: (standing: S, question: Q) => string | undefined;
  readonly answer: (question: Q, state: Review['state'], comment: string) => Promise<Reply<'taken'>>;
}

export interface AnswersOptions<Q, R, S> {
  readonly counterpart: Counterpart<Q, R, S>;
  readonly publicUrl: string;
  readonly store: Pick<QuestionStore<Q>, 'claim' | 'lookAgain' | 'end'>;
  readonly read: (requestId: string) => Promise<VerifiedRequest>;
  /** Withdraws a request, or ends the access that it gave, in the name of its requester. */
  readonly takeBack: (principal: string, requestId: string) => Promise<unknown>;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly tickMs?: number;
}

/** Answers the other side once requests are decided. Open questions stay in the store until it has the answer; any gateway may give it. */
export class Answers<Q, R extends { readonly as: string }, S> {
  readonly due: DueWatch<OpenQuestion<Q>>;
  readonly #checkedMs = new BoundedMap<number>(10_000);

  constructor(private readonly options: AnswersOptions<Q, R, S>) {
    this.due = new DueWatch({
      ...options,
      about: `an answer to ${options.counterpart.name}`,
      claim: (...args) => options.store.claim(...args),
      mostAtOnce: MOST_AT_ONCE,
      attend: (open) => this.#attend(open),
      named: ({ requestId }) => ({ request: requestId }),
    });
  }

  async #attend(open: OpenQuestion<Q>): Promise<void> {
    const { counterpart } = this.options;
    const { requestId, question, notedAtMs, isSuperseded } = open;
    const rule = counterpart.ruleFor(question);
    // Whoever can write to the database cannot make a row about another request.
    if (rule === undefined) return this.#end(open, 'no longer named in gateway.yaml');
    if (counterpart.requestIdOf(question, rule) !== requestId)
      return this.#end(open, 'the row is not one of ours');
    if (isSuperseded) return this.#takeBack(open, rule, `${counterpart.name} has asked anew`);
    const ageMs = this.options.nowMs() - notedAtMs;
    if (ageMs > LIMITS.pendingLifeMs) return this.#takeBack(open, rule, 'nobody decided in time');
    const read = await this.#read(requestId);
    // The gateway stopped between the row and the request. The other side saw no success, so it can deliver again.
    if (read === 'missing')
      return ageMs > CLAIM_MS ? this.#end(open, 'never asked') : this.#later(open, TICK_MS, 0);
    const review = read && counterpart.reviewOf(read, question, rule);
    if (review !== undefined) return this.#tell(open, rule, review);
    if (await this.#isOver(open, rule)) return;
    return this.#later(open, pauseAfterMs(ageMs), 0);
  }

  /** Looks now and then whether an undecided question is still asked. If it is not, nobody has to decide. */
  async #isOver(open: OpenQuestion<Q>, rule: R): Promise<boolean> {
    const { counterpart, nowMs } = this.options;
    const checkedMs = this.#checkedMs.get(open.requestId) ?? open.notedAtMs;
    if (nowMs() - checkedMs < CHECK_EVERY_MS) return false;
    this.#checkedMs.set(open.requestId, nowMs());
    const standing = await counterpart.standing(open.question);
    const stale = standing.ok
      ? counterpart.whyStale(standing.value, open.question)
      : standing.kind === 'gone' && standing.why;
    if (!stale) return false;
    await this.#takeBack(open, rule, stale);
    return true;
  }

  async #tell(open: OpenQuestion<Q>, rule: R, review: Review): Promise<void> {
    const { counterpart, publicUrl, log } = this.options;
    const { question, requestId } = open;
    if (review.state === 'approved') {
      const standing = await counterpart.standing(question);
      if (!standing.ok)
        return standing.kind === 'gone'
          ? this.#takeBack(open, rule, standing.why)
          : this.#retry(open, standing);
      const stale = counterpart.whyStale(standing.value, question);
      if (stale !== undefined) return this.#takeBack(open, rule, stale);
    }
    const comment = `Countersign: ${review.reason}. ${publicUrl}/requests/${requestId}`;
    const reply = await counterpart.answer(question, review.state, comment);
    if (reply.ok) {
      log.info({ request: requestId, state: review.state }, `${counterpart.name} has the answer`);
      return this.#end(open, review.state);
    }
    return reply.kind === 'gone' ? this.#takeBack(open, rule, reply.why) : this.#retry(open, reply);
  }

  /** Ends a question that nobody waits for any more, with the request and what access it gave. */
  async #takeBack(open: OpenQuestion<Q>, rule: R, why: string): Promise<void> {
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
    open: OpenQuestion<Q>,
    { why, pauseMs }: { readonly why: string; readonly pauseMs?: number },
  ): Promise<void> {
    const backOffMs = Math.min(LONGEST_RETRY_MS, TICK_MS * 2 ** Math.min(open.failures, 20));
    this.options.log.warn(
      { request: open.requestId, why },
      `${this.options.counterpart.name} does not take the answer now; trying again`,
    );
    return this.#later(open, Math.max(backOffMs, pauseMs ?? 0), open.failures + 1);
  }

  #later({ requestId }: OpenQuestion<Q>, pauseMs: number, failures: number): Promise<void> {
    const { store, nowMs } = this.options;
    return store.lookAgain(requestId, nowMs() + pauseMs, failures);
  }

  #end({ requestId }: OpenQuestion<Q>, answer: string): Promise<void> {
    const { counterpart, store, nowMs, log } = this.options;
    log.info({ request: requestId, answer }, `a question of ${counterpart.name} is over`);
    return store.end(requestId, answer, nowMs());
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
