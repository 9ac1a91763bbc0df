import type { AskEntry, Precedents } from '../domain/precedents';
import { entitlementName } from '../domain/request';

/** How old what the gate knows of the ledger may be when it lets a call pass. */
export const KNOWN_FOR_MS = 1_000;
/** After this long, the ledger is read again in the background, so that a busy agent waits for no reading. */
const RENEWED_AFTER_MS = 400;
/** An agent has one set of precedents for each kind of action that it takes. */
const MOST_KINDS = 64;

export interface Clocks {
  /** Only goes forward, and may stand still while the machine sleeps. */
  readonly steadyMs: () => number;
  /** Does not stand still, and may be set. */
  readonly wallMs: () => number;
}

const CLOCKS: Clocks = { steadyMs: () => performance.now(), wallMs: Date.now };

/** The moment at which a reading of the ledger began. What it returns is at least as new. */
interface Began {
  /** Readings and questions are counted together, so that it is known which came first. */
  readonly order: number;
  readonly steadyMs: number;
  readonly wallMs: number;
}

/** What is known for one kind of action, and the reading that is under way. */
interface Kind {
  known?: Began & { readonly precedents: Precedents };
  reading?: Began & { readonly done: Promise<unknown> };
}

/**
 * What the gate knows of the ledger. It was in the ledger `KNOWN_FOR_MS` ago at most, counted from when the reading began. What the
 * gate itself causes or tells counts at once: for that long after `learned`, a question gets only what was read after it was
 * asked. Questions that wait at the same time share a reading.
 */
export class KnownPrecedents {
  readonly #kinds = new Map<string, Kind>();
  #learnedAtMs = Number.NEGATIVE_INFINITY;
  #order = 0;

  constructor(
    private readonly lookUp: (entry: AskEntry) => Promise<Precedents>,
    private readonly clocks: Clocks = CLOCKS,
  ) {}

  /**
   * Returns what came before an action.
   *
   * @throws what `lookUp` throws, if nothing that is known is new enough
   */
  async of(entry: AskEntry): Promise<Precedents> {
    const kind = this.#kindOf(entry);
    const asked = this.#now();
    const isExact = asked.steadyMs - this.#learnedAtMs < KNOWN_FOR_MS;
    const serves = (began: Began): boolean =>
      began.order > asked.order || (!isExact && this.#ageMs(began) < KNOWN_FOR_MS);
    for (;;) {
      const { known, reading } = kind;
      if (known !== undefined && serves(known)) {
        if (reading === undefined && this.#ageMs(known) >= RENEWED_AFTER_MS)
          this.#read(kind, entry).catch(() => undefined);
        return known.precedents;
      }
      if (reading === undefined) await this.#read(kind, entry);
      else if (serves(reading)) await reading.done;
      // It began too early for this question.
      else await reading.done.catch(() => undefined);
    }
  }

  /** The gate has put something on record, or is about to tell its client what became of a request. */
  learned(): void {
    this.#learnedAtMs = this.clocks.steadyMs();
  }

  #read(kind: Kind, entry: AskEntry): Promise<unknown> {
    const began = this.#now();
    const done = this.lookUp(entry)
      .then((precedents) => {
        kind.known = { ...began, precedents };
      })
      .finally(() => {
        delete kind.reading;
      });
    kind.reading = { ...began, done };
    return done;
  }

  #now(): Began {
    this.#order += 1;
    return { order: this.#order, steadyMs: this.clocks.steadyMs(), wallMs: this.clocks.wallMs() };
  }

  #ageMs({ steadyMs, wallMs }: Began): number {
    return Math.max(this.clocks.steadyMs() - steadyMs, Math.abs(this.clocks.wallMs() - wallMs));
  }

  #kindOf(entry: AskEntry): Kind {
    const name = nameOf(entry);
    const kind = this.#kinds.get(name) ?? {};
    this.#kinds.delete(name);
    this.#kinds.set(name, kind);
    const [longestUnused] = this.#kinds.keys();
    if (this.#kinds.size > MOST_KINDS && longestUnused !== undefined) this.#kinds.delete(longestUnused);
    return kind;
  }
}

/** Everything by which the ledger finds what came before, but for the time. The digest of a call that is not on record finds nothing. */
const nameOf = ({ request, parties, control, guardedBy, withinMs }: AskEntry): string =>
  JSON.stringify([
    request.requester,
    request.beneficiary,
    entitlementName(request.entitlement),
    parties,
    control ?? null,
    guardedBy,
    withinMs,
  ]);
