import { nextDeadline } from '../../../src/domain/clock';
import type { Command } from '../../../src/domain/command';
import { decide } from '../../../src/domain/decide';
import type { DomainEvent } from '../../../src/domain/event';
import { evolve } from '../../../src/domain/evolve';
import type { RefusalCode } from '../../../src/domain/refusal';
import { type RequestSnapshot, snapshotOf } from '../../../src/domain/snapshot';
import type { ReadState, RequestState } from '../../../src/domain/state';
import type { Status } from '../../../src/domain/status';

/** An expected event: its type alone, or its type with the members that matter. */
type Expected = DomainEvent['type'] | (Partial<DomainEvent> & Pick<DomainEvent, 'type'>);

/** A refusal says in words what is wrong; a code alone would not. */
function saysWhy(event: DomainEvent): void {
  if ('refusal' in event) expect(event.refusal.detail).toMatch(/\S+ \S+/);
}

/** Every timer has a text that tells an operator its purpose. */
function saysWhatIsNext(state: RequestState | null): void {
  const next = state === null ? undefined : nextDeadline(state);
  if (next !== undefined) expect(next.summary).toMatch(/\S \S/);
}

interface Course {
  readonly events: readonly DomainEvent[];
  readonly state: RequestState | null;
}

function run(commands: readonly Command[], from: RequestState | null = null): Course {
  const events: DomainEvent[] = [];
  let state = from;
  for (const command of commands)
    for (const event of decide(state, command)) {
      events.push(event);
      state = evolve(state, event);
      saysWhy(event);
    }
  saysWhatIsNext(state);
  return { events, state };
}

/** Returns all events that the core decides on these commands. */
export const courseOf = (...commands: readonly Command[]): readonly DomainEvent[] => run(commands).events;

/** Returns the state that a sequence of commands leads to. */
export function stateAfter(...commands: readonly Command[]): ReadState {
  const { state } = run(commands);
  if (state === null || state.phase === 'unread') throw new Error('the commands lead to no readable request');
  return state;
}

/** Returns the answer of the query after a sequence of commands. */
export const viewAfter = (...commands: readonly Command[]): RequestSnapshot =>
  snapshotOf(stateAfter(...commands));

/**
 * Specification by example of the pure core: given what has happened, when this happens, then these events follow and
 * no others. `statement_accepted` can be left out if other events say what the statement did.
 */
export function given(...history: readonly Command[]) {
  const { state: before } = run(history);
  return {
    when(...commands: readonly Command[]) {
      const { events, state } = run(commands, before);
      return new Outcome(events, state);
    },
  };
}

class Outcome {
  constructor(
    readonly events: readonly DomainEvent[],
    readonly state: RequestState | null,
  ) {}

  thenFollows(...expected: readonly Expected[]): this {
    const told = this.events.filter((event) => event.type !== 'statement_accepted');
    expect(told.map((event) => event.type)).toEqual(
      expected.map((one) => (typeof one === 'string' ? one : one.type)),
    );
    expect(told).toMatchObject(expected.map((one) => (typeof one === 'string' ? { type: one } : one)));
    return this;
  }

  thenNothingHappened(): this {
    expect(this.events).toEqual([]);
    return this;
  }

  thenRefused(code: RefusalCode): this {
    return this.thenFollows({ type: 'statement_refused', refusal: expect.objectContaining({ code }) });
  }

  andIs(status: Status): this {
    expect(this.state?.status).toBe(status);
    return this;
  }
}
