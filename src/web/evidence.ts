import type { GatewayContext } from '../gateway/http/app';
import { HttpProblem } from '../gateway/http/problem';

/** What came of making the evidence of a request. */
export type MadeEvidence =
  | { readonly made: true; readonly text: string }
  /** Why there is none, in one line. */
  | { readonly made: false; readonly why: string };

/** Makes the file that `countersign audit verify` takes. Returns undefined if there is no such request. */
export type MakeEvidence = (requestId: string) => Promise<MadeEvidence | undefined>;

/** Downloads that wait while one is made: each replays a history. */
const MOST_WAITING = 8;

/** Makes evidence for downloads, one at a time. */
export class EvidenceDownloads {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(private readonly make: MakeEvidence) {}

  /** Answers with the evidence of a request as a file. @throws HttpProblem 404, 409 if it cannot be made whole, 429 */
  async download(c: GatewayContext, requestId: string): Promise<Response> {
    if (this.#waiting >= MOST_WAITING)
      throw new HttpProblem(429, 'others download evidence; try again in a moment', {
        headers: { 'Retry-After': '10' },
      });
    this.#waiting += 1;
    const turn = this.#last.then(() => this.make(requestId));
    this.#last = turn.catch(() => undefined);
    const made = await turn.finally(() => {
      this.#waiting -= 1;
    });
    if (made === undefined) throw new HttpProblem(404, 'there is no such request');
    if (!made.made) throw new HttpProblem(409, made.why);
    return c.body(made.text, 200, {
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="evidence-${requestId}.json"`,
    });
  }
}
