import { decodeEnvelope } from '../domain/decode';
import { LIMITS } from '../domain/limits';
import type { Refusal } from '../domain/refusal';
import type { SignedEnvelope } from '../domain/request';
import type { StatementVerdict, Verb } from '../domain/statement';

/** A message that waits to be considered. */
export interface Arrival {
  readonly content: SignedEnvelope | Refusal;
  /** The signal's name; the statement inside must say the same. */
  readonly verb?: Verb;
  readonly settle?: (verdict: StatementVerdict) => void;
}

/** Holds what arrived until it is considered. Bounded in count and size; appending never throws. */
export class Inbox {
  #arrivals: Arrival[] = [];
  #bytes = 0;
  #dropped = 0;

  get isEmpty(): boolean {
    return this.#arrivals.length === 0 && this.#dropped === 0;
  }

  /** Takes anything at all; what cannot be read waits as its own refusal. False when there was no room for it. */
  append(value: unknown, about: Pick<Arrival, 'verb' | 'settle'> = {}): boolean {
    const decoded = decodeEnvelope(value);
    const bytes = decoded.ok ? decoded.value.jws.length : 0;
    if (this.#arrivals.length >= LIMITS.inboxStatements || this.#bytes + bytes > LIMITS.inboxBytes) {
      this.#dropped += 1;
      return false;
    }
    this.#bytes += bytes;
    this.#arrivals.push({ ...about, content: decoded.ok ? decoded.value : decoded.refusal });
    return true;
  }

  /** Everything that waits, in the order of arrival, and how much found no room. The inbox is empty afterwards. */
  drain(): { readonly arrivals: readonly Arrival[]; readonly dropped: number } {
    const drained = { arrivals: this.#arrivals, dropped: this.#dropped };
    this.#arrivals = [];
    this.#bytes = 0;
    this.#dropped = 0;
    return drained;
  }
}
