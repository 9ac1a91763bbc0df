import { TargetUnavailable } from './unavailable';

/** How many may wait for one subject. Callers retry, so more of them in memory would bring nothing. */
const MOST_WAITING = 500;
/** Shorter than the time that a workflow gives a local act, so that no act begins that nobody waits for any more. */
const WAIT_MS = 3_000;

const BUSY = 'too many acts on the same access at this moment; this one is retried';

interface Waiting {
  readonly goesFirst: boolean;
  readonly begin: () => void;
}

/**
 * Lets the acts of this process on one subject take turns before they ask for a connection. Without it, each act that waits for
 * the subject's row lock holds a connection of the pool, and a few requests for the same access keep all others waiting.
 * The row lock still decides between processes: this decides nothing, it only keeps connections free.
 */
export class Turns {
  /** Who waits for a subject. There is an entry as long as somebody acts on it. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(private readonly waitMs: number = WAIT_MS) {}

  /**
   * Runs `work` when it is its turn.
   *
   * @param goesFirst true for an end: it passes all grants that wait
   * @throws TargetUnavailable if too many wait, or the turn does not come in time. The caller retries.
   */
  async take<T>(subject: string, work: () => Promise<T>, goesFirst = false): Promise<T> {
    await this.#turn(subject, goesFirst);
    try {
      return await work();
    } finally {
      this.#passOn(subject);
    }
  }

  async #turn(subject: string, goesFirst: boolean): Promise<void> {
    const line = this.#waiting.get(subject);
    if (line === undefined) {
      this.#waiting.set(subject, []);
      return;
    }
    if (!goesFirst && line.length >= MOST_WAITING) throw new TargetUnavailable(BUSY);
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        goesFirst,
        begin: () => {
          clearTimeout(tooLong);
          resolve();
        },
      };
      const tooLong = setTimeout(() => {
        line.splice(line.indexOf(waiting), 1);
        reject(new TargetUnavailable(BUSY));
      }, this.waitMs);
      const firstGrant = line.findIndex((one) => !one.goesFirst);
      line.splice(goesFirst && firstGrant >= 0 ? firstGrant : line.length, 0, waiting);
    });
  }

  #passOn(subject: string): void {
    const next = this.#waiting.get(subject)?.shift();
    if (next === undefined) this.#waiting.delete(subject);
    else next.begin();
  }
}
