import { HttpProblem } from '../../gateway/http/problem';

/** Counts the calls in progress of each identity. Identities without a call take no memory. */
export class CallsUnderWay {
  readonly #calls = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** @throws HttpProblem 429 if the identity has too many */
  async during<T>(principal: string, work: () => Promise<T>): Promise<T> {
    const calls = this.#calls.get(principal) ?? 0;
    if (calls >= this.most)
      throw new HttpProblem(429, `you already have ${this.most} calls in progress`, {
        headers: { 'Retry-After': '5' },
      });
    this.#calls.set(principal, calls + 1);
    try {
      return await work();
    } finally {
      const left = (this.#calls.get(principal) ?? 1) - 1;
      if (left > 0) this.#calls.set(principal, left);
      else this.#calls.delete(principal);
    }
  }
}
