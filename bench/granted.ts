/** Records when each grant was made, and resolves what waits for it. Activities report here, in the bench's process. */
export class Grants {
  readonly #waiting = new Map<string, (atMs: number) => void>();

  /** Resolves with the time of the grant. Call it before anything that may cause the grant. */
  of(id: string): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
    });
  }

  report(id: string): void {
    this.#waiting.get(id)?.(performance.now());
    this.#waiting.delete(id);
  }
}
