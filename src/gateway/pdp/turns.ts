/** How long one piece of work goes on before everyone else has their turn. */
const PIECE_MS = 10;

/**
 * Work in memory that takes long, a piece at a time, so that no decision waits for all of it. However many are at it, one
 * piece is done between two looks at what else has come.
 */
export class Turns {
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
