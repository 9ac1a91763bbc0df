import { setTimeout as sleep } from 'node:timers/promises';
import { streamSSE } from 'hono/streaming';
import type { GatewayContext } from '../gateway/http/app';
import { HttpProblem } from '../gateway/http/problem';

/** How often something that is watched is looked at, and for how long before the browser has to come again. */
const LOOK_EVERY_MS = 2_000;
const WATCH_FOR_MS = 10 * 60_000;
const SAY_EVERY_LOOKS = 8;

/** Pages that are watched at once: by one person, and in all. */
const MOST_OF_ONE = 12;
const MOST = 500;

export interface Watch {
  /** Who watches. */
  readonly person: string;
  /** What the page was made from. */
  readonly seen: string;
  /** Returns what a page would be made from now. It only hints: the page that is loaded again verifies everything. */
  readonly look: () => Promise<string>;
  /** Returns false when the person may no longer watch. */
  readonly mayGoOn: () => Promise<boolean>;
}

/** Tells pages in browsers that they are out of date, by server-sent events. */
export class Live {
  readonly #watching = new Map<string, number>();
  readonly #closing = new AbortController();
  #total = 0;

  /** Answers with a stream that says `changed` once, when the page is out of date. @throws HttpProblem 429 */
  open(c: GatewayContext, watch: Watch): Response {
    const { person } = watch;
    const own = this.#watching.get(person) ?? 0;
    if (own >= MOST_OF_ONE || this.#total >= MOST)
      throw new HttpProblem(429, 'too many pages are open at once', { headers: { 'Retry-After': '30' } });
    this.#count(person, 1);
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
      try {
        const word = await this.#wordFor(watch, signal, () => stream.writeSSE({ event: 'still', data: '' }));
        if (word !== undefined) await stream.writeSSE({ event: word, data: '' });
      } finally {
        this.#count(person, -1);
      }
    });
  }

  /** Ends all streams. Browsers come again when there is a gateway to come to. */
  close(): void {
    this.#closing.abort();
  }

  /** Looks until there is something to say. Returns undefined if the browser has left or should come again. */
  async #wordFor(watch: Watch, signal: AbortSignal, still: () => Promise<void>) {
    const untilMs = Date.now() + WATCH_FOR_MS;
    for (let looks = 1; Date.now() < untilMs && !signal.aborted; looks += 1) {
      if (!(await watch.mayGoOn())) return 'over';
      // A look that fails hints at nothing.
      if ((await watch.look().catch(() => watch.seen)) !== watch.seen) return 'changed';
      if (looks % SAY_EVERY_LOOKS === 0) await still();
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  #count(person: string, by: 1 | -1): void {
    this.#total += by;
    const own = (this.#watching.get(person) ?? 0) + by;
    if (own > 0) this.#watching.set(person, own);
    else this.#watching.delete(person);
  }
}
