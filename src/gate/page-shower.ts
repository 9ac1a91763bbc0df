import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { MessageId } from './message';

/** How long a client has to show a page to its user. The request waits for people whatever the client answers. */
const SHOWS_WITHIN_MS = 45_000;
/** Pages that are remembered as shown. */
const MOST_SHOWN = 1_000;

const helloSchema = z.looseObject({
  capabilities: z.looseObject({ elicitation: z.looseObject({ url: z.unknown() }).partial().exactOptional() }),
});

/** Has a client that can show addresses show the page of a request to its user, once for each (URL mode of elicitation, MCP 2025-11-25). */
export class PageShower {
  /** No server can guess it, so no request of a server is taken for one of the gate's. */
  readonly #own = `countersign-page-${randomUUID()}-`;
  readonly #waiting = new Map<MessageId, () => void>();
  readonly #shown = new Set<string>();
  #isAble = false;
  #asked = 0;

  constructor(
    private readonly say: (message: unknown) => void,
    private readonly withinMs = SHOWS_WITHIN_MS,
  ) {}

  /** Learns from the client's first message whether it can show addresses. */
  greeted(params: unknown): void {
    const hello = helloSchema.safeParse(params);
    this.#isAble = hello.success && hello.data.capabilities.elicitation?.url !== undefined;
  }

  /** Returns true if this answer of the client is to the gate, and not to the server. */
  answered(id: MessageId | undefined): boolean {
    const done = id === undefined ? undefined : this.#waiting.get(id);
    done?.();
    return done !== undefined;
  }

  /** Resolves once the client has answered, whatever it says, or has not for too long. */
  async show(request: string, url: string): Promise<void> {
    if (!this.#isAble || this.#shown.has(request)) return;
    if (this.#shown.size >= MOST_SHOWN) this.#shown.clear();
    this.#shown.add(request);
    this.#asked += 1;
    const id = `${this.#own}${this.#asked}`;
    const message =
      'People decide this call. Its page shows what will happen, and those who may decide can do it there. Opening it decides nothing.';
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, this.withinMs);
      this.#waiting.set(id, () => {
        clearTimeout(late);
        resolve();
      });
      this.say({
        ...{ jsonrpc: '2.0', id, method: 'elicitation/create' },
        params: { mode: 'url', url, message, elicitationId: request },
      });
    });
    this.#waiting.delete(id);
  }
}
