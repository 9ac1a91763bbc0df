import { CancellationScope } from '@temporalio/workflow';

/**
 * Runs local activities one at a time. During replay the SDK delivers all resolved local activities together, in the order
 * in which they were scheduled, so two at once would leave a history that no code can replay. A caller that finds the queue
 * busy waits, or has the server schedule an ordinary activity.
 */
export class LocalActivityQueue {
  #isBusy = false;

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /** Runs the activity to its end even if the caller's scope is cancelled: the queue is busy until then. */
  async run<T>(activity: () => Promise<T>): Promise<T> {
    this.#isBusy = true;
    try {
      return await CancellationScope.nonCancellable(activity);
    } finally {
      this.#isBusy = false;
    }
  }
}
