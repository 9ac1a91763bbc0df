import { CancellationScope } from '@temporalio/workflow';

/**
 * Where local activities run, one at a time. Replay hands over together what was resolved one after the other, in the
 * order in which it was scheduled: two at once would leave a history that no code can follow. Whoever finds the lane
 * taken waits, or has the server schedule an ordinary activity.
 */
export class LocalLane {
  #isTaken = false;

  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Runs to its end whatever becomes of the scope that asked for it: until then the lane is taken. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    this.#isTaken = true;
    try {
      return await CancellationScope.nonCancellable(act);
    } finally {
      this.#isTaken = false;
    }
  }
}
