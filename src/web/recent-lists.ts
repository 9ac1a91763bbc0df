import { BoundedMap } from '../signing/seen';
import type { VerifiedList } from '../verified/verified-requests';

/** A list of this age is shown as it is, and one of up to `SHOWN_MS` while the next one is made. */
const FRESH_MS = 2_000;
const SHOWN_MS = 5_000;
/** Lists that are kept. One takes about 300 KB at most; what its rows were made from is kept anyway. */
const MOST = 100;

interface Kept {
  readonly list: VerifiedList;
  readonly atMs: number;
}

/**
 * Keeps the lists of the last seconds: asking the server for a thousand rows takes longer than a page may. People who look at the same
 * list at the same time have it made once. Every row of it was verified, by the version of directory and policy that the name has.
 */
export class RecentLists {
  #kept = new BoundedMap<Kept>(MOST);
  readonly #making = new Map<string, Promise<VerifiedList>>();

  constructor(private readonly nowMs: () => number) {}

  /**
   * Returns the list of this name, made five seconds ago at most.
   *
   * @param make makes it anew. A list that is not whole is not kept, so the next look goes on with it.
   */
  async of(name: string, make: () => Promise<VerifiedList>): Promise<VerifiedList> {
    const kept = this.#kept.get(name);
    const ageMs = kept === undefined ? Number.POSITIVE_INFINITY : this.nowMs() - kept.atMs;
    if (kept !== undefined && ageMs < FRESH_MS) return kept.list;
    const made = this.#once(name, make);
    if (kept === undefined || ageMs >= SHOWN_MS) return made;
    // Whoever comes next learns of a failure.
    made.catch(() => undefined);
    return kept.list;
  }

  /** The list of this name as it was shown last. */
  last(name: string): VerifiedList | undefined {
    return this.#kept.get(name)?.list;
  }

  /** Forgets all lists, or one, because something has changed. What is being made now may be out of date too. */
  forget(name?: string): void {
    if (name === undefined) {
      this.#kept = new BoundedMap<Kept>(MOST);
      this.#making.clear();
      return;
    }
    this.#kept.delete(name);
    this.#making.delete(name);
  }

  #once(name: string, make: () => Promise<VerifiedList>): Promise<VerifiedList> {
    const underWay = this.#making.get(name);
    if (underWay !== undefined) return underWay;
    const atMs = this.nowMs();
    const made = make().then((list) => {
      if (list.isWhole && this.#making.get(name) === made) this.#kept.set(name, { list, atMs });
      return list;
    });
    this.#making.set(name, made);
    const done = () => {
      if (this.#making.get(name) === made) this.#making.delete(name);
    };
    made.then(done, done);
    return made;
  }
}
