import { readFile } from 'node:fs/promises';
import { AnswerAway } from '../../domain/ports';
import { type BoundedAnswer, fetchBounded, NoAnswer } from '../../outbound/fetch-bounded';
import { retryAfterMs } from '../../outbound/retry-after';
import { type Asking, askingOf, NONE, type Read } from './systems';
import { judgeTicket, type TicketAnswer, type TicketDemands, type TicketSource } from './ticket';
import type { TicketSystem } from './ticket-file';

/** A ticket system did not say whether it has a ticket. The message has neither the ticket nor a secret. */
export class TicketSystemAway extends AnswerAway {
  override readonly name = 'TicketSystemAway';
}

const LIMITS = { withinMs: 3_000, mostBytes: 256 * 1024 } as const;
/** How long an answer is kept, and how many. */
const KEPT_MS = 60_000;
const MOST_KEPT = 1_000;
/** How long nobody asks a system again that is away: at least, and at most if it says itself how long. */
const AWAY_MS = 5_000;
const LONGEST_AWAY_MS = 10 * 60_000;
/** Calls at a time. A burst of statements must not become one of calls. */
const MOST_CALLS = 8;
const LONGEST_TOKEN = 10_000;

type Found = Exclude<Read, { readonly odd: string }>;

/** Tickets of a ticket system that is asked by HTTP. */
export class HttpTicketSource implements TicketSource {
  readonly #asking: Asking;
  readonly #kept = new Map<string, { readonly found: Found; readonly untilMs: number }>();
  readonly #underWay = new Map<string, Promise<Found>>();
  #away: { readonly why: string; readonly untilMs: number } | undefined;

  /** @param tell is told, once for each time that it goes away, why the system gives no answer */
  constructor(
    private readonly system: TicketSystem,
    private readonly tell: (why: string) => void = () => undefined,
    private readonly nowMs: () => number = Date.now,
  ) {
    this.#asking = askingOf(system);
  }

  async check(reference: string, demands: TicketDemands): Promise<TicketAnswer> {
    const path = this.#asking.pathOf(reference);
    if (path === undefined) return { found: false, why: `${this.name} has no tickets that are named so` };
    const found = await this.#find(reference, path);
    if ('missing' in found) return { found: false, why: found.missing };
    return judgeTicket(found.ticket, demands);
  }

  /** Returns why the system gives no answers now, or undefined if it does. */
  async problem(): Promise<string | undefined> {
    try {
      const { status } = await this.#call(this.#asking.probe ?? '/');
      const isGood =
        this.#asking.probe === undefined ? status < 500 && status !== 401 && status !== 403 : status === 200;
      return isGood ? undefined : this.#say(`it answered ${status}`);
    } catch (error) {
      return error instanceof Error ? error.message : undefined;
    }
  }

  /** What the system is, for messages. */
  get name(): string {
    return `the ticket system (${this.system.kind})`;
  }

  readonly #say = (why: string): string => `${this.name} gives no answer: ${why}`;

  async #find(reference: string, path: string): Promise<Found> {
    const kept = this.#kept.get(reference);
    if (kept !== undefined && this.nowMs() < kept.untilMs) return kept.found;
    const underWay = this.#underWay.get(reference);
    if (underWay !== undefined) return underWay;
    if (this.#away !== undefined && this.nowMs() < this.#away.untilMs)
      throw new TicketSystemAway(this.#say(this.#away.why));
    if (this.#underWay.size >= MOST_CALLS)
      throw new TicketSystemAway(this.#say('too many tickets are being looked up at the same time'));
    const call = this.#ask(reference, path).finally(() => this.#underWay.delete(reference));
    this.#underWay.set(reference, call);
    return call;
  }

  async #ask(reference: string, path: string): Promise<Found> {
    const answer = await this.#call(path);
    const refusal = this.#refusalIn(answer);
    if (refusal !== undefined) throw this.#goneAway(refusal, pauseIn(answer, this.nowMs()));
    this.#away = undefined;
    const read = this.#read(answer, reference);
    // Says nothing about other tickets, so they are still looked up.
    if ('odd' in read) throw new TicketSystemAway(this.#say(read.odd));
    this.#kept.delete(reference);
    this.#kept.set(reference, { found: read, untilMs: this.nowMs() + KEPT_MS });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_KEPT) break;
      this.#kept.delete(oldest);
    }
    return read;
  }

  #refusalIn({ status }: BoundedAnswer): string | undefined {
    if (status === 401 || status === 403)
      return `it refused the token in ${this.system.tokenFile} (${status})`;
    return [200, 404, 410].includes(status) ? undefined : `it answered ${status}`;
  }

  #read({ status, type, text }: BoundedAnswer, reference: string): Read {
    // GitHub says 410 of an issue that was deleted.
    if (status === 404 || status === 410) return { missing: NONE };
    if (!/^application\/(?:[\w.-]+\+)?json$/.test(type))
      return { odd: 'it answered with something else than JSON' };
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      return { odd: 'it answered with something else than JSON' };
    }
    return this.#asking.read(body, reference);
  }

  async #call(path: string): Promise<BoundedAnswer> {
    const authorization = await this.#authorization();
    try {
      return await fetchBounded(new URL(`${this.system.url.replace(/\/$/, '')}${path}`), {
        headers: { accept: 'application/json', ...this.#asking.headers, authorization },
        ...LIMITS,
      });
    } catch (error) {
      throw this.#goneAway(error instanceof NoAnswer ? error.message : 'the call failed');
    }
  }

  #goneAway(why: string, forMs = AWAY_MS): TicketSystemAway {
    if (this.#away === undefined) this.tell(this.#say(why));
    this.#away = { why, untilMs: this.nowMs() + Math.min(Math.max(forMs, AWAY_MS), LONGEST_AWAY_MS) };
    return new TicketSystemAway(this.#say(why));
  }

  /** Reads the token anew for each call, so that a new one counts without a restart. */
  async #authorization(): Promise<string> {
    const { tokenFile } = this.system;
    const token = (await readFile(tokenFile, 'utf8').catch(() => '')).trim();
    if (token === '' || token.length > LONGEST_TOKEN || /[^\x21-\x7e]/.test(token))
      throw this.#goneAway(`${tokenFile} holds no token`);
    const user = 'user' in this.system ? this.system.user : undefined;
    return user === undefined
      ? `Bearer ${token}`
      : `Basic ${Buffer.from(`${user}:${token}`, 'utf8').toString('base64')}`;
  }
}

const pauseIn = ({ status, retryAfter }: BoundedAnswer, nowMs: number): number | undefined =>
  [403, 429, 503].includes(status) ? retryAfterMs(retryAfter, nowMs) : undefined;
