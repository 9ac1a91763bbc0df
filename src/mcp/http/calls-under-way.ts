import { HttpProblem } from '../../gateway/http/problem';

/** How many calls each identity has going. Only those that have some are remembered. */
export class CallsUnderWay {
  readonly #calls = new Map<string, number>();

  constructor(private readonly most: number) {}

  /** @throws HttpProblem 429 where it has too many already */
  async during<T>(principal: string, work: () => Promise<T>): Promise<T> {
    const calls = this.#calls.get(principal) ?? 0;
    if (calls >= this.most)
      throw new HttpProblem(429, `${this.most} calls are under way already`, {
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
