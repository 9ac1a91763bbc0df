import { html } from 'hono/html';
import type { Child } from 'hono/jsx';

/** How long a part of a page is shown as it was written. */
const KEPT_MS = 60_000;
/** People for whom parts about one thing are kept. */
const MOST_READERS = 16;

interface Written {
  readonly context: unknown;
  readonly untilMs: number;
  readonly text: Child;
}

/**
 * Keeps parts of pages as they were written: a list of forms takes longer to write than anything else of its page. What is kept was
 * escaped like every other part.
 */
export class WrittenParts {
  readonly #kept = new WeakMap<object, Map<string, Written>>();

  /**
   * Returns the part about `subject` for this reader. It is written anew after a minute at most, and at once if the subject or the context
   * is another object.
   */
  of(subject: object, reader: string, context: unknown, nowMs: number, write: () => Child): Child {
    const readers = this.#kept.get(subject) ?? new Map<string, Written>();
    const known = readers.get(reader);
    if (known !== undefined && known.context === context && nowMs < known.untilMs) return known.text;
    const text = html`${write()}`;
    if (readers.size >= MOST_READERS) readers.clear();
    // What was written together is not written again together.
    readers.set(reader, { context, untilMs: nowMs + KEPT_MS * (0.5 + Math.random() / 2), text });
    this.#kept.set(subject, readers);
    return text;
  }
}
