import {
  ApplicationFailure,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { nextDeadline } from '../domain/clock';
import { nextEffect } from '../domain/effect';
import { snapshotOf } from '../domain/snapshot';
import { endedUngranted, isOver, type RequestState, type Status } from '../domain/state';
import type { StatementVerdict } from '../domain/statement';
import { Alarm } from './alarm';
import { EffectRunner, judging } from './effects';
import { type Examined, Examiner } from './examiner';
import { Inbox } from './inbox';
import { createJournal } from './journal';
import { LocalLane } from './local-lane';
import { eventsQuery, requestQuery, submitStatementUpdate, verbSignals } from './messages';
import { type CarriedLog, RequestLog } from './request-log';
import { Visibility } from './visibility';

/** How a request ended, as the workflow's result. */
export interface RequestOutcome {
  readonly status: Status;
  readonly reasonCodes: readonly string[];
}

/**
 * One access request, from submission to its end. The course of it is decided by the pure core; this function only
 * brings the core what happens and does what the state calls for next. A cancellation of the workflow is not obeyed:
 * whoever can send one has no authority over the request.
 */
export function accessRequest(submission: unknown, carried?: CarriedLog): Promise<RequestOutcome> {
  const desk = new RequestDesk(submission, carried);
  desk.receiveMessages();
  return CancellationScope.nonCancellable(() => desk.attend());
}

/** Name of a change; runs that began before it answered at once. */
const ANSWERS_AFTER_BAR = 'answers-after-bar';

class RequestDesk {
  /** What the run was started with, until it has been read: a waiting request holds its submission only once. */
  #brought: { readonly submission: unknown; readonly carried: CarriedLog | undefined } | undefined;
  readonly #log = new RequestLog(createJournal());
  readonly #inbox = new Inbox();
  readonly #lane = new LocalLane();
  readonly #examiner = new Examiner(this.#lane);
  readonly #alarm = new Alarm();
  readonly #effects = new EffectRunner(this.#lane);
  readonly #visibility = new Visibility();

  constructor(submission: unknown, carried: CarriedLog | undefined) {
    this.#brought = { submission, carried };
  }

  /**
   * Handlers only append to the inbox: nothing that arrives can throw, block or change anything here. There is no
   * default handler: where there is one, the SDK throws on a signal named `__temporal_…`, and the timers stand still.
   * A signal of an unknown name stays in the history and does nothing.
   */
  receiveMessages(): void {
    for (const { verb, signal } of verbSignals)
      setHandler(signal, (statement) => void this.#inbox.append(statement, { verb }));
    // A handler runs in the root scope, which a cancellation of the workflow reaches.
    setHandler(submitStatementUpdate, (statement) =>
      CancellationScope.nonCancellable(() => this.#answer(statement)),
    );
    setHandler(requestQuery, () => this.#log.state && snapshotOf(this.#log.state));
    setHandler(eventsQuery, () => this.#log.events);
  }

  async attend(): Promise<RequestOutcome> {
    let state = await this.#begin();
    for (;;) {
      this.#effects.want(nextEffect(state), state);
      this.#alarm.set(isOver(state) ? undefined : nextDeadline(state));
      this.#visibility.publish(state);
      const isLast = isOver(state);
      if (isLast && this.#owesNothing) break;
      if (this.#mayCutHistory) await continueAsNew<typeof accessRequest>(state.submission, this.#log.carry());
      await condition(() => this.#hasNews || (isLast && this.#owesNothing) || this.#mayCutHistory);
      state = this.#considerAll(state);
    }
    return { status: state.status, reasonCodes: state.assessment?.reasonCodes ?? [] };
  }

  get #hasNews(): boolean {
    const hasArrivals = !this.#inbox.isEmpty && this.#examiner.isFree;
    return hasArrivals || this.#examiner.hasResults || this.#effects.hasResults || this.#alarm.isRinging;
  }

  /** Nothing waits to be considered, and everybody who asked has been answered. */
  get #owesNothing(): boolean {
    return !this.#hasNews && this.#inbox.isEmpty && !this.#examiner.isBusy && allHandlersFinished();
  }

  /** The server wants a new run, and nothing is under way that it would not know of. */
  get #mayCutHistory(): boolean {
    return workflowInfo().continueAsNewSuggested && this.#owesNothing && this.#effects.mayBeTakenOver;
  }

  /** Takes up what an earlier run left, or opens the request. */
  async #begin(): Promise<RequestState> {
    const { submission, carried } = this.#brought ?? {};
    this.#brought = undefined;
    if (carried !== undefined && workflowInfo().continuedFromExecutionRunId !== undefined)
      this.#log.resume(carried);
    return this.#log.state ?? (await this.#open(submission));
  }

  /** Reads, recognises and assesses what was submitted, outside the workflow; records what came of it. */
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

  /** Brings the core everything that has happened since the last time: results first, then time, then statements. */
  #considerAll({ submission }: RequestState): RequestState {
    for (const result of this.#effects.takeResults()) this.#log.apply(result);
    if (this.#alarm.takeRing()) this.#log.apply({ type: 'tick', atMs: Date.now() });
    for (const examined of this.#examiner.take()) this.#consider(examined);
    if (!this.#inbox.isEmpty && this.#examiner.isFree) {
      const { arrivals, dropped } = this.#inbox.drain();
      this.#log.apply({ type: 'record_dropped', count: dropped, atMs: Date.now() });
      this.#examiner.examine(arrivals, submission?.request);
      for (const examined of this.#examiner.take()) this.#consider(examined);
    }
    return this.#state();
  }

  #consider({ arrival, check }: Examined): void {
    const { content, verb } = arrival;
    const received = { content, ...(verb && { verb }) };
    const events = this.#log.apply({ type: 'consider', atMs: Date.now(), check }, received);
    const refusal = events.find((event) => event.type === 'statement_refused')?.refusal;
    arrival.settle?.(this.#verdict(refusal));
  }

  /**
   * Answers one statement. That a request is denied, cancelled or withdrawn is answered when its bar lies on the target:
   * whoever hears it may rely on it, though the workflow be terminated or reset the moment after. Until then there is no answer.
   */
  async #answer(statement: unknown): Promise<StatementVerdict> {
    let verdict: StatementVerdict | undefined;
    const settle = (given: StatementVerdict) => {
      verdict = given;
    };
    if (!this.#inbox.append(statement, { settle }))
      return this.#verdict({ code: 'RATE_LIMITED', detail: 'too many statements wait for this request' });
    await condition(() => verdict !== undefined);
    const endsIt = this.#awaitsBar && verdict?.accepted === true;
    if (endsIt && patched(ANSWERS_AFTER_BAR)) {
      await condition(() => !this.#awaitsBar || workflowInfo().continueAsNewSuggested);
      // The history has to be cut, and the next run goes on with the bar; whoever asked must not take this for a yes.
      if (this.#awaitsBar) throw ApplicationFailure.nonRetryable('the target has not heard of it yet');
    }
    return verdict ?? this.#verdict(undefined);
  }

  /** It has ended without a grant, and the target does not know yet. */
  get #awaitsBar(): boolean {
    const { state } = this.#log;
    return state !== null && endedUngranted(state) && !state.barred;
  }

  #verdict(refusal: StatementVerdict['refusal']): StatementVerdict {
    const state = this.#log.state;
    const standing = { status: state?.status ?? 'submitted', revision: state?.revision ?? 0 };
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
