import { CancellationScope, condition, sleep } from '@temporalio/workflow';
import type { LocalActivityQueue } from './local-activity-queue';
import { isPatched } from './patches';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** One act on a target, retried until it is done. */
export class DurableAct {
  #isDurable = false;

  constructor(private readonly queue: LocalActivityQueue) {}

  /** Whether the server has scheduled it, so that a later run of the workflow can take it over. */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  /**
   * Tries at once if the queue is free, then durably. An activity that the server retries for ever can still be failed,
   * cancelled or completed by anyone who can write to the namespace. So a failed one is scheduled again, and an answer
   * counts only after this worker has asked the target itself. Only cancelling the scope of this act ends it.
   *
   * @param atOnce acts as a local activity; also asks the target how it stands, because acting is idempotent
   * @param durably acts as an ordinary activity
   * @param choose picks the result from what the target said and what the durable activity answered before
   */
  async run<T>(
    atOnce: () => Promise<T | undefined>,
    durably: () => Promise<T | undefined>,
    choose: (confirmed: T, answer: T) => T = (confirmed) => confirmed,
  ): Promise<T> {
    if (!this.queue.isBusy) {
      const first = await attempt(() => this.queue.run(atOnce));
      if (first !== undefined) return first;
    }
    this.#isDurable = true;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const answer = await attempt(durably);
      if (answer !== undefined && !isPatched('confirmsDurableActs')) return answer;
      const confirmed = answer === undefined ? undefined : await this.#askTarget(atOnce);
      if (answer !== undefined && confirmed !== undefined) return choose(confirmed, answer);
      await sleep(pauseMs, { summary: 'tries again' });
    }
  }

  async #askTarget<T>(atOnce: () => Promise<T | undefined>): Promise<T | undefined> {
    while (this.queue.isBusy) await condition(() => !this.queue.isBusy);
    return attempt(() => this.queue.run(atOnce));
  }
}

/** Returns undefined if the act failed. Throws if its scope was cancelled. */
async function attempt<T>(act: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    if (CancellationScope.current().consideredCancelled) throw error;
    return undefined;
  }
}
