import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { nextDeadline } from '../domain/clock';
import { nextEffect } from '../domain/effect';
import { type StatementAnswer, snapshotOf } from '../domain/snapshot';
import { assessmentOf, endedUngranted, isOver, type RequestState, requestOf } from '../domain/state';
import type { Status } from '../domain/status';
import { judging } from './activity-proxies';
import { Alarm } from './alarm';
import { EffectRunner } from './effect-runner';
import { type Examined, Examiner } from './examiner';
import { Inbox } from './inbox';
import { createJournal } from './journal';
import { LocalActivityQueue } from './local-activity-queue';
import { eventsQuery, requestQuery, statementSignals, submitStatementUpdate } from './messages';
import { isPatched } from './patches';
import { type CarriedLog, RequestLog } from './request-log';
import { Visibility } from './visibility';

/** How a request ended, as the workflow's result. */
export interface RequestResult {
  readonly status: Status;
  readonly reasonCodes: readonly string[];
}

/**
 * One access request, from submission to its end. The pure core decides; this function tells the core what happens and
 * does what the new state calls for. It ignores a cancellation of the workflow, because those who can send one have no
 * authority over the request.
 */
export function accessRequest(submission: unknown, carried?: CarriedLog): Promise<RequestResult> {
  const runner = new RequestRunner(submission, carried);
  runner.receiveMessages();
  return CancellationScope.nonCancellable(() => runner.run());
}

class RequestRunner {
  /** The arguments of the run. Dropped once read, so that a waiting request holds its submission only once. */
  #input: { readonly submission: unknown; readonly carried: CarriedLog | undefined } | undefined;
  readonly #log = new RequestLog(createJournal());
  readonly #inbox = new Inbox(() => isPatched('refusesHalfCharacters'));
  readonly #localActivities = new LocalActivityQueue();
  readonly #examiner = new Examiner(this.#localActivities);
  readonly #alarm = new Alarm();
  readonly #effects = new EffectRunner(this.#localActivities);
  readonly #visibility = new Visibility();

  constructor(submission: unknown, carried: CarriedLog | undefined) {
    this.#input = { submission, carried };
  }

  /**
   * Handlers only append to the inbox, so no message can throw, block or change anything here. There is no default signal
   * handler, because with one the SDK throws on a signal named `__temporal_…`, which stops all timers. A signal of an
   * unknown name stays in the history and does nothing.
   */
  receiveMessages(): void {
    for (const { verb, statementSignal } of statementSignals)
      setHandler(statementSignal, (statement) => void this.#inbox.append(statement, { verb }));
    // Handlers run in the root scope, so cancelling the workflow would cancel them; run this one non-cancellable.
    setHandler(submitStatementUpdate, (statement) =>
      CancellationScope.nonCancellable(() => this.#answer(statement)),
    );
    setHandler(requestQuery, () => this.#log.state && snapshotOf(this.#log.state));
    setHandler(eventsQuery, () => this.#log.events);
  }

  async run(): Promise<RequestResult> {
    let state = await this.#begin();
    for (;;) {
      this.#effects.want(nextEffect(state), state);
      this.#alarm.set(isOver(state) ? undefined : nextDeadline(state));
      this.#visibility.publish(state);
      const isLast = isOver(state);
      if (isLast && this.#owesNothing) break;
      if (this.#mayCutHistory && state.phase !== 'unread')
        await continueAsNew<typeof accessRequest>(state.submission, this.#log.carry());
      await condition(() => this.#hasNews || (isLast && this.#owesNothing) || this.#mayCutHistory);
      state = this.#considerAll(state);
    }
    return { status: state.status, reasonCodes: assessmentOf(state)?.reasonCodes ?? [] };
  }

  get #hasNews(): boolean {
    const hasArrivals = !this.#inbox.isEmpty && this.#examiner.isFree;
    return hasArrivals || this.#examiner.hasResults || this.#effects.hasResults || this.#alarm.isRinging;
  }

  /** Nothing waits to be considered, and every update has been answered. */
  get #owesNothing(): boolean {
    return !this.#hasNews && this.#inbox.isEmpty && !this.#examiner.isBusy && allHandlersFinished();
  }

  /** The server suggests a new run, and the new run could take over everything that is under way. */
  get #mayCutHistory(): boolean {
    return workflowInfo().continueAsNewSuggested && this.#owesNothing && this.#effects.mayBeTakenOver;
  }

  /** Resumes the log that an earlier run carried over, or opens the request. */
  async #begin(): Promise<RequestState> {
    const { submission, carried } = this.#input ?? {};
    this.#input = undefined;
    if (carried !== undefined && workflowInfo().continuedFromExecutionRunId !== undefined)
      await this.#resume(submission, carried);
    return this.#log.state ?? (await this.#open(submission));
  }

  /** A stranger can start a run that says it continues another, with a cron schedule for one, so nothing in it is believed. */
  async #resume(submission: unknown, carried: CarriedLog): Promise<void> {
    const refusal = isPatched('derivesCarriedLogs')
      ? await judging.checkCarriedLog(submission, carried, workflowInfo().workflowId)
      : undefined;
    // A refusal that crossed the server is null, where it was undefined.
    if (refusal) this.#log.apply({ type: 'reject_submission', atMs: Date.now(), refusal });
    else this.#log.resume(carried);
  }

  /** Has an activity read, recognise and assess the submission, and records the result. */
  async #open(submission: unknown): Promise<RequestState> {
    const result = await judging.assess(submission, workflowInfo().workflowId);
    const atMs = Date.now();
    if (result.readable) {
      const { readable: _readable, submission: read, ...findings } = result;
      this.#log.apply({ type: 'submit', atMs, submission: read });
      this.#log.apply({ type: 'record_assessment', atMs, ...findings });
    } else {
      this.#log.apply({ type: 'reject_submission', atMs, refusal: result.refusal });
    }
    return this.#state();
  }

  /** Tells the core everything that has happened since the last call: results first, then time, then statements. */
  #considerAll(state: RequestState): RequestState {
    for (const result of this.#effects.takeResults()) this.#log.apply(result);
    if (this.#alarm.takeRing()) this.#log.apply({ type: 'tick', atMs: Date.now() });
    for (const examined of this.#examiner.take()) this.#consider(examined);
    if (!this.#inbox.isEmpty && this.#examiner.isFree) {
      const { arrivals, dropped } = this.#inbox.drain();
      this.#log.apply({ type: 'record_dropped', count: dropped, atMs: Date.now() });
      this.#examiner.examine(arrivals, requestOf(state));
      for (const examined of this.#examiner.take()) this.#consider(examined);
    }
    return this.#state();
  }

  #consider({ arrival, check }: Examined): void {
    const { content, verb } = arrival;
    const received = { content, ...(verb && { verb }) };
    const events = this.#log.apply({ type: 'consider', atMs: Date.now(), check }, received);
    const refusal = events.find((event) => event.type === 'statement_refused')?.refusal;
    arrival.settle?.(this.#answerWith(refusal));
  }

  /**
   * Answers one statement. One that denies, cancels or withdraws the request is answered only when the target has recorded
   * the end. The sender can then rely on it, even if the workflow is terminated or reset the moment after.
   */
  async #answer(statement: unknown): Promise<StatementAnswer> {
    let answer: StatementAnswer | undefined;
    const settle = (settled: StatementAnswer) => {
      answer = settled;
    };
    if (!this.#inbox.append(statement, { settle }))
      return this.#answerWith({ code: 'RATE_LIMITED', detail: 'too many statements wait for this request' });
    await condition(() => answer !== undefined);
    const endsIt = this.#awaitsBar && answer?.accepted === true;
    if (endsIt && isPatched('answersAfterBar')) {
      await condition(() => !this.#awaitsBar || workflowInfo().continueAsNewSuggested);
      // The history has to be cut, and the next run goes on with the bar. The sender must not take this as accepted.
      if (this.#awaitsBar) throw ApplicationFailure.nonRetryable('the target has not recorded the end yet');
    }
    return answer ?? this.#answerWith(undefined);
  }

  /** The request has ended without a grant, and the target has not recorded that yet. */
  get #awaitsBar(): boolean {
    const { state } = this.#log;
    return state !== null && endedUngranted(state) && !state.barred;
  }

  #answerWith(refusal: StatementAnswer['refusal']): StatementAnswer {
    const state = this.#log.state;
    const standing = { status: state?.status ?? ('submitted' as const), revision: state?.revision ?? 0 };
    return refusal === undefined
      ? { accepted: true, ...standing }
      : { accepted: false, refusal, ...standing };
  }

  #state(): RequestState {
    const { state } = this.#log;
    if (state === null) throw new TypeError('the request was not opened');
    return state;
  }
}
