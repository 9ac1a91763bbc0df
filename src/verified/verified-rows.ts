import { type CountersignClient, CountersignError } from '../client';
import type { RequestRow } from '../contracts/snapshot';
import type { DomainEvent } from '../domain/event';
import {
  type Claim,
  type ProvedRequest,
  type Reader,
  type VerifiedRequest,
  verifyRequest,
} from './verify-request';

/** Verified rows that are kept. Each is looked at again after about `KEPT_MS`, and verified again after `VERIFIED_MS` at most. */
const MOST_KEPT = 5_000;
const KEPT_MS = 2 * 60_000;
const VERIFIED_MS = 5 * 60_000;
/** What did not answer is not asked again for this long, so that a stranger's silent rows slow down one list and not each. */
const UNANSWERED_MS = 20_000;

/** A run of a request's workflow, and how long its history is. */
export interface Run {
  readonly runId: string;
  readonly length: number;
}

interface EventsRead {
  readonly events: readonly DomainEvent[];
  /** Of the history of this run, when they were read. */
  readonly length: number;
  readonly runId: string | undefined;
}

interface Kept {
  readonly key: string;
  /** Of the directory and policy that it was verified by. */
  readonly digests: string;
  /** When it has to be looked at again. */
  readonly untilMs: number;
  /** When it has to be verified again, even if nothing was added to it. */
  readonly dueMs: number;
  readonly verified: VerifiedRequest;
  /** Absent if nothing answered. */
  readonly read?: EventsRead;
}

/** Verifies rows that the server lists, and keeps what it found out for a short while. */
export class VerifiedRows {
  readonly #kept = new Map<string, Kept>();
  readonly #underWay = new Map<string, Promise<EventsRead>>();

  constructor(
    private readonly requests: Pick<CountersignClient, 'events' | 'historyLength'>,
    private readonly nowMs: () => number,
  ) {}

  /**
   * Verifies a row, or returns what was found when the same row was verified a short while ago.
   *
   * @throws CountersignError if nothing answers for it, or what has to be asked cannot be reached
   */
  async of(row: RequestRow, reader: Reader): Promise<VerifiedRequest> {
    const { id, runId, status, awaiting, deadline } = row;
    const digests = digestsOf(reader);
    const key = JSON.stringify([runId, status, awaiting, deadline, digests]);
    const atMs = this.nowMs();
    const kept = this.#kept.get(id);
    if (kept?.key === key && atMs < kept.untilMs) return kept.verified;
    const read = await this.#once(row, kept).catch((error: unknown) => {
      if (!(error instanceof CountersignError) || error.code === 'UNREACHABLE') throw error;
      const refusal = { code: 'NOT_AUTHORISED' as const, detail: error.message };
      const silent = {
        verified: { holds: false, refusal },
        untilMs: atMs + UNANSWERED_MS,
        dueMs: 0,
      } as const;
      this.#keep(id, { key, digests, ...silent });
      throw error;
    });
    const isAsItWas = kept?.read === read && kept.key === key && atMs < kept.dueMs;
    const verified = isAsItWas
      ? kept.verified
      : await verifyWithReach({ requestId: id, events: read.events }, reader, atMs);
    const dueMs = isAsItWas ? kept.dueMs : Math.min(atMs + VERIFIED_MS, deadlineOf(verified));
    this.#keep(id, {
      key,
      digests,
      verified,
      read,
      dueMs,
      untilMs: Math.min(atMs + lookAgainAfterMs(), dueMs),
    });
    return verified;
  }

  /** Returns what was verified of a request that waits for people, if nothing was added to its history since and it is not due. */
  pending(id: string, { runId, length }: Run, reader: Reader): ProvedRequest | undefined {
    const kept = this.#kept.get(id);
    const isSame = kept?.read?.runId === runId && kept.read.length === length;
    if (!isSame || kept?.digests !== digestsOf(reader) || this.nowMs() >= kept.dueMs) return undefined;
    const { verified } = kept;
    return verified.holds && verified.view.status === 'awaiting_approval' ? verified : undefined;
  }

  /** Keeps what was verified outside a list, for `pending`. A list looks at it anew. */
  keep(
    id: string,
    run: Run,
    events: readonly DomainEvent[],
    verified: VerifiedRequest,
    reader: Reader,
  ): void {
    const dueMs = Math.min(this.nowMs() + VERIFIED_MS, deadlineOf(verified));
    const read = { events, ...run };
    this.#keep(id, { key: '', digests: digestsOf(reader), verified, read, dueMs, untilMs: 0 });
  }

  /** A request that is slow to answer one list is not asked a second time by the next. */
  #once(row: RequestRow, kept: Kept | undefined): Promise<EventsRead> {
    const reading =
      this.#underWay.get(row.id) ??
      this.#eventsOf(row, kept).finally(() => {
        this.#underWay.delete(row.id);
      });
    this.#underWay.set(row.id, reading);
    return reading;
  }

  /** Reads the events of a row. Asks no worker if its history is as long as when they were read before. */
  async #eventsOf({ id, runId }: RequestRow, kept: Kept | undefined): Promise<EventsRead> {
    const length = await this.requests.historyLength(id);
    const earlier = kept?.read;
    if (earlier?.length === length && earlier.runId === runId) return earlier;
    // Read after its length: if it grows in between, the next look reads it again.
    return { events: await this.requests.events(id), length, runId };
  }

  #keep(id: string, kept: Kept): void {
    this.#kept.delete(id);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= MOST_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(id, kept);
  }
}

/**
 * Verifies what the server says of a request.
 *
 * @throws CountersignError `UNREACHABLE` if the ledger or a target that has to be asked cannot be reached
 */
export async function verifyWithReach(claim: Claim, reader: Reader, nowMs: number): Promise<VerifiedRequest> {
  try {
    return await verifyRequest(claim, reader, nowMs);
  } catch (error) {
    const why = 'the ledger or a target that verification needs cannot be reached; try again';
    throw new CountersignError('UNREACHABLE', why, { cause: error });
  }
}

const digestsOf = ({ directory, policy }: Reader): string => `${directory.digest} ${policy.digest}`;

/** Returns when time changes a request by itself. */
const deadlineOf = (verified: VerifiedRequest): number =>
  (verified.holds ? verified.view.nextDeadline?.atMs : undefined) ?? Number.POSITIVE_INFINITY;

/** What was verified together is not looked at again together. */
const lookAgainAfterMs = (): number => KEPT_MS * (0.75 + Math.random() / 2);
