/** How long one piece of work may block the event loop. */
const PIECE_MS = 10;

/**
 * Runs long work in memory in pieces and yields to the event loop between them, so that decisions do not wait for all of it.
 * Concurrent users of one loop share it: one piece runs between two turns of the event loop.
 */
export class YieldingLoop {
  #last: Promise<void> = Promise.resolve();

  filter<Item>(items: readonly Item[], test: (item: Item) => boolean): Promise<readonly Item[]> {
    return this.flatMap(items, (item) => (test(item) ? [item] : []));
  }

  async flatMap<Item, Made>(
    items: readonly Item[],
    make: (item: Item) => readonly Made[],
  ): Promise<readonly Made[]> {
    const all: Made[] = [];
    let begunMs = Number.NEGATIVE_INFINITY;
    for (const item of items) {
      if (performance.now() - begunMs >= PIECE_MS) {
        await this.#next();
        begunMs = performance.now();
      }
      all.push(...make(item));
    }
    return all;
  }

  #next(): Promise<void> {
    this.#last = this.#last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#last;
  }
}
