import type { Command } from '../domain/command';
import { decide } from '../domain/decide';
import type { DomainEvent } from '../domain/event';
import { evolve } from '../domain/evolve';
import { LIMITS } from '../domain/limits';
import type { RequestState } from '../domain/state';
import type { ReceivedMessage } from '../domain/statement-check';
import type { Journal } from './journal';

/** What a run hands to the next when the history is cut: the events, and how many refusals they leave out. */
export interface CarriedLog {
  readonly events: readonly DomainEvent[];
  readonly uncountedRefusals: number;
}

/** The domain events of one request and the state that they fold to. Bounded: refusals past the limit are only counted. */
export class RequestLog {
  #state: RequestState | null = null;
  readonly #events: DomainEvent[] = [];
  #keptRefusals = 0;
  #uncountedRefusals = 0;
  #latestMs = 0;

  /** @param journal called for every step; nothing here depends on it */
  constructor(private readonly journal?: Journal) {}

  /** Continues the log of an earlier run. */
  resume(carried: CarriedLog): void {
    for (const event of carried.events) {
      this.#append(event);
      this.#latestMs = Math.max(this.#latestMs, event.atMs);
    }
    const { uncountedRefusals: count } = carried;
    if (this.#state === null || count === 0) return;
    this.#uncountedRefusals = count;
    this.#state = { ...this.#state, refusalCount: this.#state.refusalCount + count };
  }

  get state(): RequestState | null {
    return this.#state;
  }

  get events(): readonly DomainEvent[] {
    return this.#events;
  }

  /**
   * Decides a command and folds the events that follow. Time never runs backwards in a log, although the workflow's clock
   * stands still within a workflow task while activities report times of the worker's clock.
   *
   * @returns the events that followed from this command
   */
  apply(command: Command, received?: ReceivedMessage): readonly DomainEvent[] {
    const madeAtMs = command.type === 'record_assessment' ? command.assessment.assessedAtMs : 0;
    this.#latestMs = Math.max(this.#latestMs, command.atMs, madeAtMs);
    const timed = { ...command, atMs: this.#latestMs };
    const events = decide(this.#state, timed);
    for (const event of events) this.#append(event);
    if (events.length > 0 && this.#state !== null)
      this.journal?.({ command: timed, events, ...(received && { received }) }, this.#events, this.#state);
    return events;
  }

  carry(): CarriedLog {
    return { events: this.#events, uncountedRefusals: this.#uncountedRefusals };
  }

  #append(event: DomainEvent): void {
    this.#state = evolve(this.#state, event);
    if (event.type === 'statements_dropped') {
      this.#uncountedRefusals += event.count;
      return;
    }
    if (event.type === 'statement_refused') {
      this.#keptRefusals += 1;
      if (this.#keptRefusals > LIMITS.keptRefusals) {
        this.#uncountedRefusals += 1;
        return;
      }
    }
    this.#events.push(event);
  }
}
