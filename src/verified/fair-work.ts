/** Runs pieces of work for several owners: so many at once in all and for each owner, and the owners in turns. */
export class FairWork {
  readonly #waiting = new Map<string, (() => Promise<void>)[]>();
  readonly #underWay = new Map<string, number>();
  #running = 0;
  #failed: { readonly error: unknown } | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(
    private readonly atOnce: number,
    private readonly eachAtOnce: number,
  ) {}

  add(owner: string, work: () => Promise<void>): void {
    const queue = this.#waiting.get(owner);
    if (queue === undefined) this.#waiting.set(owner, [work]);
    else queue.push(work);
    this.#startNext();
  }

  /** Starts nothing more. What is under way goes on. */
  stop(): void {
    this.#waiting.clear();
    if (this.#running === 0) this.#whenIdle?.();
  }

  /** Resolves when nothing waits and nothing runs. Throws the first error of a piece. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    if (this.#failed !== undefined) throw this.#failed.error;
  }

  #startNext(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) this.#start(next);
    if (this.#running === 0) this.#whenIdle?.();
  }

  #next(): { readonly owner: string; readonly work: () => Promise<void> } | undefined {
    if (this.#running >= this.atOnce) return undefined;
    for (const [owner, queue] of this.#waiting) {
      if ((this.#underWay.get(owner) ?? 0) >= this.eachAtOnce) continue;
      const work = queue.shift();
      // Whoever was served goes to the end of the line.
      this.#waiting.delete(owner);
      if (queue.length > 0) this.#waiting.set(owner, queue);
      if (work !== undefined) return { owner, work };
    }
    return undefined;
  }

  #start({ owner, work }: { readonly owner: string; readonly work: () => Promise<void> }): void {
    this.#running += 1;
    this.#underWay.set(owner, (this.#underWay.get(owner) ?? 0) + 1);
    const failed = (error: unknown) => {
      this.#failed ??= { error };
    };
    void work()
      .catch(failed)
      .finally(() => {
        this.#running -= 1;
        this.#underWay.set(owner, (this.#underWay.get(owner) ?? 1) - 1);
        this.#startNext();
      });
  }
}
