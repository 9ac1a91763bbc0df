import { isUnicode } from '../domain/characters';
import { decodeEnvelope } from '../domain/decode';
import { LIMITS } from '../domain/limits';
import { type Result, refused } from '../domain/refusal';
import { envelopeText, type SignedEnvelope } from '../domain/request';
import type { StatementAnswer } from '../domain/snapshot';
import type { ReceivedMessage } from '../domain/statement-check';

/** A message that waits to be considered. */
export interface Arrival extends ReceivedMessage {
  readonly settle?: (answer: StatementAnswer) => void;
}

/**
 * Holds messages until they are considered. Bounded in count and size; appending never throws. Unreadable messages have
 * room of their own, and a copy of a waiting message takes none, so that rubbish cannot push out a signed statement.
 */
export class Inbox {
  #arrivals: Arrival[] = [];
  readonly #waiting = new Set<string>();
  #bytes = 0;
  #unreadable = 0;
  #dropped = 0;

  /** @param refusesHalves asked only about claims that are not Unicode; runs from before took them */
  constructor(private readonly refusesHalves: () => boolean = () => true) {}

  get isEmpty(): boolean {
    return this.#arrivals.length === 0 && this.#dropped === 0;
  }

  /** Takes any value; one that cannot be read waits as its refusal. Returns false if there was no room for it. */
  append(value: unknown, about: Pick<Arrival, 'verb' | 'settle'> = {}): boolean {
    const decoded = this.#read(value);
    const hasRoom = decoded.ok
      ? this.#takeStatement(envelopeText(decoded.value), about.settle !== undefined)
      : this.#takeUnreadable();
    if (hasRoom) this.#arrivals.push({ ...about, content: decoded.ok ? decoded.value : decoded.refusal });
    else this.#dropped += 1;
    return hasRoom;
  }

  /** Removes and returns one batch in order of arrival, and how many messages found no room since the last call. */
  drain(): { readonly arrivals: readonly Arrival[]; readonly dropped: number } {
    const arrivals = this.#arrivals.splice(0, LIMITS.batchStatements);
    for (const { content } of arrivals) {
      if ('code' in content) {
        this.#unreadable -= 1;
        continue;
      }
      const text = envelopeText(content);
      this.#bytes -= text.length;
      this.#waiting.delete(text);
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { arrivals, dropped };
  }

  /** Only a passkey's claims can hold half of a character, for which there is no canonical JSON (RFC 8785). */
  #read(value: unknown): Result<SignedEnvelope> {
    const decoded = decodeEnvelope(value);
    if (!decoded.ok || isUnicode(envelopeText(decoded.value)) || !this.refusesHalves()) return decoded;
    return refused('MALFORMED', 'the claims have half of a character (a lone surrogate)');
  }

  #takeUnreadable(): boolean {
    if (this.#unreadable >= LIMITS.inboxUnreadable) return false;
    this.#unreadable += 1;
    return true;
  }

  /** A sender who waits for an answer gets one, even for a copy of a waiting message. */
  #takeStatement(text: string, isAwaited: boolean): boolean {
    const statements = this.#arrivals.length - this.#unreadable;
    if (statements >= LIMITS.inboxStatements || this.#bytes + text.length > LIMITS.inboxBytes) return false;
    if (!isAwaited && this.#waiting.has(text)) return false;
    this.#bytes += text.length;
    this.#waiting.add(text);
    return true;
  }
}
