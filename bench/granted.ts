/** Who waits for which grant, and when it was made. Acts report here, in the process of the bench. */
export class Grants {
  readonly #waiting = new Map<string, (atMs: number) => void>();

  /** Settles with the moment of the grant. Call before whatever may cause it. */
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
