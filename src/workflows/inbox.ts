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

/**
 * Holds what arrived until it is considered. Bounded in count and size; appending never throws. What cannot be read has
 * room of its own, and a copy of what waits already takes none, so that rubbish does not push out what somebody signed.
 */
export class Inbox {
  #arrivals: Arrival[] = [];
  readonly #waiting = new Set<string>();
  #bytes = 0;
  #unreadable = 0;
  #dropped = 0;

  get isEmpty(): boolean {
    return this.#arrivals.length === 0 && this.#dropped === 0;
  }

  /** Takes anything at all; what cannot be read waits as its own refusal. False when there was no room for it. */
  append(value: unknown, about: Pick<Arrival, 'verb' | 'settle'> = {}): boolean {
    const decoded = decodeEnvelope(value);
    const hasRoom = decoded.ok
      ? this.#takeStatement(decoded.value.jws, about.settle !== undefined)
      : this.#takeUnreadable();
    if (hasRoom) this.#arrivals.push({ ...about, content: decoded.ok ? decoded.value : decoded.refusal });
    else this.#dropped += 1;
    return hasRoom;
  }

  /** What waits, in the order of arrival, as much as is verified at a time, and how much found no room. */
  drain(): { readonly arrivals: readonly Arrival[]; readonly dropped: number } {
    const arrivals = this.#arrivals.splice(0, LIMITS.batchStatements);
    for (const { content } of arrivals) {
      if ('code' in content) {
        this.#unreadable -= 1;
        continue;
      }
      this.#bytes -= content.jws.length;
      this.#waiting.delete(content.jws);
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { arrivals, dropped };
  }

  #takeUnreadable(): boolean {
    if (this.#unreadable >= LIMITS.inboxUnreadable) return false;
    this.#unreadable += 1;
    return true;
  }

  /** Whoever waits for an answer gets one of their own, also on a copy. */
  #takeStatement(jws: string, isAwaited: boolean): boolean {
    const statements = this.#arrivals.length - this.#unreadable;
    if (statements >= LIMITS.inboxStatements || this.#bytes + jws.length > LIMITS.inboxBytes) return false;
    if (!isAwaited && this.#waiting.has(jws)) return false;
    this.#bytes += jws.length;
    this.#waiting.add(jws);
    return true;
  }
}
