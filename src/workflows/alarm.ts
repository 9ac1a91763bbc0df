import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Deadline } from '../domain/clock';

/** One timer, for the next deadline. Set again only if the deadline changes, which keeps the history short. */
export class Alarm {
  #current: { readonly deadline: Deadline; readonly scope: CancellationScope } | undefined;
  #rang = false;

  /** True once after the timer has fired. */
  takeRing(): boolean {
    const rang = this.#rang;
    this.#rang = false;
    return rang;
  }

  get isRinging(): boolean {
    return this.#rang;
  }

  /** Sets the timer; undefined clears it. */
  set(deadline: Deadline | undefined): void {
    const current = this.#current?.deadline;
    if (current?.atMs === deadline?.atMs && current?.summary === deadline?.summary) return;
    this.#current?.scope.cancel();
    this.#current = undefined;
    if (deadline === undefined) return;
    const scope = new CancellationScope({ cancellable: true });
    this.#current = { deadline, scope };
    void scope
      .run(() => sleep(Math.max(1, deadline.atMs - Date.now()), { summary: deadline.summary }))
      .then(
        () => {
          this.#current = undefined;
          this.#rang = true;
        },
        (error: unknown) => {
          if (!isCancellation(error)) throw error;
        },
      );
  }
}
