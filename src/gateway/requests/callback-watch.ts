import type { Logger } from '../../contracts/logger';
import { LIMITS } from '../../domain/limits';
import { CLAIM_MS, DueWatch, pauseAfterMs, TICK_MS } from '../due-watch';
import { HttpProblem } from '../http/problem';
import type { CallbackStore, DueCallback } from './callback-store';
import type { Callbacks } from './callbacks';
import type { TaskRecord, TaskRecords } from './records';
import type { TaskResponse } from './schema';

const MOST_AT_ONCE = 50;
/** Failures in a row, with growing pauses, before a callback is given up: about a day. */
const MOST_FAILURES = 30;

export interface CallbackWatchOptions {
  readonly store: CallbackStore;
  readonly callbacks: Callbacks;
  readonly records: TaskRecords;
  /** Returns a task as its requester sees it. */
  readonly describe: (record: TaskRecord) => Promise<TaskResponse>;
  /** Returns the message id of a task's callback, the same for every try. */
  readonly messageId: (taskId: string) => string;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly tickMs?: number;
}

/**
 * Calls back when tasks are decided (profile, "Callback Completion"), at least once each. Owed callbacks stay in the store until
 * the endpoint accepts them; any gateway may deliver them.
 */
export class CallbackWatch {
  readonly due: DueWatch<DueCallback>;

  constructor(private readonly options: CallbackWatchOptions) {
    this.due = new DueWatch({
      ...options,
      about: 'a callback',
      claim: (...args) => options.store.claim(...args),
      mostAtOnce: MOST_AT_ONCE,
      attend: (due) => this.#attend(due),
      named: ({ taskId }) => ({ task: taskId }),
    });
  }

  /** @throws HttpProblem 503 if the callback cannot be stored, so that the submission is not accepted */
  async note(taskId: string): Promise<void> {
    const nowMs = this.options.nowMs();
    try {
      await this.options.store.note(taskId, nowMs, nowMs + (this.options.tickMs ?? TICK_MS));
    } catch {
      throw new HttpProblem(503, 'a callback cannot be promised now; try again', {
        headers: { 'Retry-After': '2' },
      });
    }
  }

  async #attend(due: DueCallback): Promise<void> {
    const { store, records, describe, nowMs, log } = this.options;
    const { taskId, notedAtMs, failures } = due;
    const ageMs = nowMs() - notedAtMs;
    const record = await records.find(taskId);
    // The submission was stored and never started, or it is long over.
    if (record === undefined ? ageMs > CLAIM_MS : ageMs > LIMITS.pendingLifeMs + 2 * 86_400_000)
      return store.forget(taskId);
    const { task } = record === undefined ? { task: undefined } : await describe(record);
    const isStarting = record?.isWhole === false && ageMs <= CLAIM_MS;
    if (record === undefined || task === undefined || isStarting || task.status === 'pending')
      return store.lookAgain(taskId, nowMs() + pauseAfterMs(ageMs), 0);
    const answer = await this.#tell(record, task);
    if (answer === 'later' && failures + 1 < MOST_FAILURES)
      return store.lookAgain(taskId, nowMs() + Math.min(3_600_000, 1_000 * 2 ** failures), failures + 1);
    if (answer !== 'taken')
      log.warn({ task: taskId, answer }, 'the endpoint does not accept the callback; given up');
    return store.forget(taskId);
  }

  async #tell({ callback, items }: TaskRecord, { id, status, status_endpoint }: TaskResponse['task']) {
    const requester = items[0]?.request.requester;
    if (callback === undefined || requester === undefined) return 'taken';
    if (callback.events !== undefined && !callback.events.includes(status)) return 'taken';
    // Who decided and why stays behind `status_endpoint`, where the requester has to sign in: an endpoint keeps logs of its own.
    const notice = {
      ...(callback.state !== undefined && { state: callback.state }),
      task: { id, status, status_endpoint },
    };
    return this.options.callbacks.deliver(callback.endpoint, requester, notice, this.options.messageId(id));
  }
}
