import type { AccessRequest } from '../domain/request';
import type { StatementCheck } from '../domain/statement';
import { checkReceived } from '../domain/statement-check';
import { judging } from './activity-proxies';
import type { Arrival } from './inbox';
import type { LocalActivityQueue } from './local-activity-queue';

/** A message with the check of the statement in it. */
export interface Examined {
  readonly arrival: Arrival;
  readonly check: StatementCheck;
}

/**
 * Has the messages verified beside the main loop, one batch at a time. The loop never waits for it, because a check that
 * hangs or fails must not delay the timer that ends a grant.
 */
export class Examiner {
  #busy = false;
  #examined: readonly Examined[] = [];

  constructor(private readonly queue: LocalActivityQueue) {}

  get isBusy(): boolean {
    return this.#busy;
  }

  /** Whether a batch may begin now. */
  get isFree(): boolean {
    return !this.#busy && !this.queue.isBusy;
  }

  get hasResults(): boolean {
    return this.#examined.length > 0;
  }

  take(): readonly Examined[] {
    const examined = this.#examined;
    this.#examined = [];
    return examined;
  }

  /** Begins a batch. Its results are there at once if no message in it needs verification. */
  examine(arrivals: readonly Arrival[], request: AccessRequest | undefined): void {
    const envelopes = arrivals.flatMap(({ content }) => ('code' in content ? [] : [content]));
    const finish = (checks: readonly StatementCheck[]) => {
      const checkOf = new Map<unknown, StatementCheck | undefined>(
        envelopes.map((envelope, index) => [envelope, checks[index]]),
      );
      this.#examined = arrivals.map((arrival) => ({
        arrival,
        check: checkReceived(arrival, checkOf.get(arrival.content)),
      }));
      this.#busy = false;
    };
    if (request === undefined || envelopes.length === 0) {
      finish([]);
      return;
    }
    this.#busy = true;
    void this.queue.run(() => judging.checkStatements(envelopes, request)).then(finish, () => finish([]));
  }
}
