import { LIMITS } from '../../domain/limits';
import type { Log } from '../execution/report';
import { HttpProblem } from '../http/problem';
import type { CallbackStore, DueCallback } from './callback-store';
import type { Callbacks } from './callbacks';
import type { TaskRecord, TaskRecords } from './records';
import type { TaskResponse } from './schema';

/** How often what is owed is looked for; a decision is told about no later than this and a look after it. */
const TICK_MS = 1_000;
/** A gateway that dies over a callback leaves it to the next one after this. */
const CLAIM_MS = 60_000;
const MOST_AT_ONCE = 50;
/** After this many failures in a row, with growing pauses, the endpoint is given up: that is about a day. */
const MOST_FAILURES = 30;

export interface CallbackWatchOptions {
  readonly store: CallbackStore;
  readonly callbacks: Callbacks;
  readonly records: TaskRecords;
  /** A task as its requester sees it, and what makes its id for the receiver. */
  readonly describe: (record: TaskRecord) => Promise<TaskResponse>;
  readonly messageId: (taskId: string) => string;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly tickMs?: number;
}

/**
 * Tells callers when their tasks are decided (profile, "Callback Completion"), at least once each: what is owed is kept
 * until the endpoint has taken it, whichever gateway that was noted by. The id of a message is the same at every try.
 */
export class CallbackWatch {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(private readonly options: CallbackWatchOptions) {}

  start(): void {
    const again = () => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => {
        this.#looking = this.#look().finally(again);
      }, this.options.tickMs ?? TICK_MS);
      this.#timer.unref();
    };
    again();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  /** @throws HttpProblem 503 where it cannot be kept: what cannot be promised is not taken in */
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

  async #look(): Promise<void> {
    const { store, log, nowMs } = this.options;
    try {
      const due = await store.claim(nowMs(), nowMs() + CLAIM_MS, MOST_AT_ONCE);
      // What fails here stays claimed, and is due again when its claim is over.
      const unseen = (one: DueCallback) => () => log.warn({ task: one.taskId }, 'a callback has to wait');
      await Promise.all(due.map((one) => this.#attend(one).catch(unseen(one))));
    } catch {
      log.warn({}, 'callbacks that are owed cannot be read now');
    }
  }

  async #attend(due: DueCallback): Promise<void> {
    const { store, records, describe, nowMs, log } = this.options;
    const { taskId, notedAtMs, failures } = due;
    const ageMs = nowMs() - notedAtMs;
    const record = await records.find(taskId);
    // The submission was noted and never started, or it is long over.
    if (record === undefined ? ageMs > CLAIM_MS : ageMs > LIMITS.pendingLifeMs + 2 * 86_400_000)
      return store.forget(taskId);
    const { task } = record === undefined ? { task: undefined } : await describe(record);
    const isStillTakenIn = record?.isWhole === false && ageMs <= CLAIM_MS;
    if (record === undefined || task === undefined || isStillTakenIn || task.status === 'pending')
      // The longer it has been pending, the less a moment matters.
      return store.lookAgain(taskId, nowMs() + Math.min(30_000, Math.max(TICK_MS, ageMs / 20)), 0);
    const told = await this.#tell(record, task);
    if (told === 'later' && failures + 1 < MOST_FAILURES)
      return store.lookAgain(taskId, nowMs() + Math.min(3_600_000, 1_000 * 2 ** failures), failures + 1);
    if (told !== 'taken')
      log.warn({ task: taskId, told }, 'nobody takes the callback; the task says how it ended');
    return store.forget(taskId);
  }

  async #tell({ callback, items }: TaskRecord, { id, status, status_endpoint }: TaskResponse['task']) {
    const requester = items[0]?.request.requester;
    if (callback === undefined || requester === undefined) return 'taken';
    if (callback.events !== undefined && !callback.events.includes(status)) return 'taken';
    const notice = {
      ...(callback.state !== undefined && { state: callback.state }),
      task: { id, status, status_endpoint },
    };
    return this.options.callbacks.deliver(callback.endpoint, requester, notice, this.options.messageId(id));
  }
}
