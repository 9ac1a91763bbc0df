import type { DomainEvent } from './event';
import { evolve } from './evolve';
import type { RequestState } from './state';

/** Events decided so far in one step, and the state they lead to. Lives for one call of `decide`. */
export class Trail {
  readonly events: DomainEvent[] = [];

  constructor(public state: RequestState) {}

  add(...events: readonly DomainEvent[]): this {
    for (const event of events) {
      this.events.push(event);
      this.state = evolve(this.state, event);
    }
    return this;
  }
}
